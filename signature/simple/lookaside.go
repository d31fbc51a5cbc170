package simple

// Signatures as files: a folder or a web server that holds one folder for each
// image.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/signature/registry"
)

// maxSignatures bounds how many signatures of one image are looked at: as many
// as containers/image does.
const maxSignatures = 128

// LookasideName is the folder of an image in a lookaside store:
// <namespaces>/<name>@sha256=<hex>. It has no host: a store belongs to one
// registry by configuration.
func LookasideName(repository, digest string) string {
	_, path, _ := strings.Cut(repository, "/")
	return path + "@" + strings.Replace(digest, ":", "=", 1)
}

// CheckLookaside reports whether base can be a lookaside store.
func CheckLookaside(base string) error {
	_, err := parseLookaside(base)
	return err
}

// parseLookaside reads the base of a lookaside store: an absolute path, or a URL
// of the scheme file, https, or http, which is taken for loopback only.
func parseLookaside(base string) (*url.URL, error) {
	if filepath.IsAbs(base) {
		return &url.URL{Scheme: "file", Path: filepath.ToSlash(base)}, nil
	}
	parsed, err := url.Parse(base)
	switch {
	case err != nil:
		return nil, errors.New("the lookaside store is no URL") // which may hold a password
	case parsed.User != nil:
		return nil, errors.New("the lookaside store's URL holds credentials, which do not belong there")
	case parsed.Scheme == "file" && parsed.Host == "" && filepath.IsAbs(parsed.Path):
		return parsed, nil
	case parsed.Scheme != "https" && parsed.Scheme != "http", parsed.Host == "":
		return nil, errors.New("the lookaside store is neither an absolute path nor a URL of the scheme https or file")
	}
	return parsed, nil
}

// lookaside reads the signatures of one image from a store: signature-1 and so
// on, until there is none.
func lookaside(ctx context.Context, base, image string, access signature.Access) ([][]byte, error) {
	store, err := parseLookaside(base)
	if err != nil {
		return nil, err
	}
	get := readFile
	if store.Scheme != "file" {
		client, closeClient, err := registry.Client(ctx, access)
		if err != nil {
			return nil, err
		}
		defer closeClient()
		get = func(ctx context.Context, address *url.URL) ([]byte, error) { return download(ctx, client, address) }
	}
	var signatures [][]byte
	for n := 1; n <= maxSignatures; n++ {
		one, err := get(ctx, store.JoinPath(image, "signature-"+strconv.Itoa(n)))
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("get signature %d from the lookaside store: %w", n, err)
		}
		signatures = append(signatures, one)
	}
	return signatures, nil
}

func readFile(_ context.Context, address *url.URL) (content []byte, err error) {
	file, err := os.Open(filepath.FromSlash(address.Path))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return bounded(file)
}

func download(ctx context.Context, client *http.Client, address *url.URL) (content []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, &signature.UnreachableError{Server: address.Host, Err: err}
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	switch response.StatusCode {
	case http.StatusOK:
		return bounded(response.Body)
	case http.StatusNotFound:
		return nil, fs.ErrNotExist
	}
	return nil, &signature.UnreachableError{Server: address.Host, Err: fmt.Errorf("it returns HTTP status %d", response.StatusCode)}
}

// bounded reads one signature; one that is too long is cut, and then no
// signature.
func bounded(file io.Reader) ([]byte, error) { return io.ReadAll(io.LimitReader(file, MaxSignature+1)) }
