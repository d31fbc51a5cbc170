package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/client/atomicfile"
)

// Bounds of what a server may write to this machine.
const (
	maxSignatures = 1000
	maxSignature  = 64 << 10 // bytes
)

// signedImage is registry/namespace/name@sha256:<hex> with no part that leads
// out of a folder.
var signedImage = regexp.MustCompile(`^[A-Za-z0-9.:\[\]-]+/([a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*@sha256):([0-9a-f]{64})$`)

// SaveSignatures writes the simple signatures of the latest image into the
// lookaside store in folder, which containers-registries.d(5) describes, and
// returns the files. That there are none is an error.
func (c *Client) SaveSignatures(ctx context.Context, folder string) ([]string, error) {
	const operation = "get-signatures"
	image, err := c.ImageDigest(ctx)
	if err != nil {
		return nil, err
	}
	parts := signedImage.FindStringSubmatch(image)
	if parts == nil {
		return nil, unexpected(operation, "the reply has no proper image name")
	}
	name := parts[1] + "=" + parts[2]
	var files []string
	for len(files) < maxSignatures {
		path := fmt.Sprintf("%s/signature-%d", name, len(files)+1)
		signature, err := c.signature(ctx, path)
		var refused *Error
		if errors.As(err, &refused) && refused.Code == api.CodeNotFound {
			break
		}
		if err != nil {
			return nil, err
		}
		file := filepath.Join(folder, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return nil, fmt.Errorf("%s: %w", operation, err)
		}
		if err := atomicfile.Write(file, signature, 0o644); err != nil {
			return nil, fmt.Errorf("%s: %w", operation, err)
		}
		files = append(files, file)
	}
	if len(files) == 0 {
		return nil, &Error{Operation: operation, Code: api.CodeNotFound, Message: "the server keeps no simple signatures of the latest image: its registry does, or IMAGE_SIGNING has no simple"}
	}
	return files, nil
}

// signature is one file of the server's lookaside store.
func (c *Client) signature(ctx context.Context, path string) ([]byte, error) {
	const operation = "get-signatures"
	response, err := c.send(ctx, request{operation, http.MethodGet, api.PathLookaside + "/" + path, emptyBody})
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	signature, err := io.ReadAll(io.LimitReader(response.Body, maxSignature+1))
	if err != nil {
		return nil, c.unreachable(ctx, operation, err, true)
	}
	if len(signature) > maxSignature {
		return nil, unexpected(operation, "a signature is longer than any signature should be")
	}
	return signature, nil
}
