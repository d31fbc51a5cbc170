package client

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/manifest"
	"github.com/opensbs/sbs/client/atomicfile"
)

// SaveManifest writes the signed manifest of a build into folder, as
// manifest.SignedName has it, and returns the manifest name and the file's path.
// buildName "" means the latest build that succeeded. The file is complete or does
// not exist; nothing is verified (package signedmanifest does that).
func (c *Client) SaveManifest(ctx context.Context, buildName, folder string) (name, path string, err error) {
	file, err := atomicfile.Create(folder, 0o644)
	if err != nil {
		return "", "", fmt.Errorf("get-manifest: %w", err)
	}
	defer func() { err = errors.Join(err, file.Discard()) }()
	if name, err = c.Manifest(ctx, buildName, file); err != nil {
		return "", "", err
	}
	if err := file.Commit(atomicfile.Name(manifest.SignedName(name))); err != nil {
		return "", "", fmt.Errorf("get-manifest: %w", err)
	}
	return name, filepath.Join(folder, atomicfile.Name(manifest.SignedName(name))), nil
}

// Manifest writes the signed manifest of a build to w as it comes, and returns
// its manifest name, which is safe as a file name.
func (c *Client) Manifest(ctx context.Context, buildName string, w io.Writer) (name string, err error) {
	const operation = "get-manifest"
	response, err := c.send(ctx, request{operation, http.MethodGet, api.PathManifest, selector(buildName)})
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	var written int64
	object := newObject(response.Body)
	err = object.each(func(key string) error {
		switch key {
		case "manifest_name":
			return object.value(&name)
		case "encoded_manifest":
			text := object.text()
			n, err := io.Copy(w, io.LimitReader(base64.NewDecoder(base64.StdEncoding, text), maxManifest))
			if err != nil {
				return err
			}
			written += n
			_, err = io.Copy(io.Discard, text) // line breaks after the end
			return err
		}
		return object.skip()
	})
	var corrupt base64.CorruptInputError
	switch {
	case errors.As(err, &corrupt):
		return "", unexpected(operation, fmt.Sprintf("the manifest in the reply is damaged: %v", err))
	case err != nil:
		return "", c.broken(ctx, operation, err)
	case !fileName(name) || !strings.HasPrefix(name, "manifest.") || written == 0:
		return "", unexpected(operation, "the reply has no manifest or no proper manifest name")
	}
	return name, nil
}
