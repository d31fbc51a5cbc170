package registry

// Blobs and manifests, by the requests that every registry has (OCI
// distribution-spec 1.1, "Pushing Blobs" and "Pushing Manifests"). What is known
// here, a digest or a size, is never asked for: registries leave headers out, and
// some have no HEAD.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/opencontainers/go-digest"
)

// uploadTries is the number of attempts of an upload: a session or a token can end
// while it runs.
const uploadTries = 3

// Blob is content that can be read more than once.
type Blob struct {
	Digest string // sha256:<64 hex digits>
	Size   int64
	Open   func() (io.ReadCloser, error)
}

// BlobOf is a blob in memory.
func BlobOf(content []byte) Blob {
	return Blob{
		Digest: digest.FromBytes(content).String(),
		Size:   int64(len(content)),
		Open:   func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil },
	}
}

// HasBlob reports whether the registry reports that it has the blob in this
// repository. A registry that refuses the question is one that may not have it.
func (r *Repository) HasBlob(ctx context.Context, digest string, size int64) (bool, error) {
	response, err := r.send(ctx, http.MethodHead, r.path("blobs", digest), nil, nil)
	if err != nil {
		return false, err
	}
	if err := response.Body.Close(); err != nil {
		return false, fmt.Errorf("read the registry's answer: %w", err)
	}
	if response.StatusCode == http.StatusUnauthorized {
		return false, transport.CheckError(response, http.StatusOK)
	}
	return response.StatusCode == http.StatusOK && (response.ContentLength < 0 || response.ContentLength == size), nil
}

// PutBlob uploads a blob unless the registry has it; uploaded reports whether it did.
func (r *Repository) PutBlob(ctx context.Context, blob Blob) (uploaded bool, err error) {
	for range uploadTries {
		var has bool
		if has, err = r.HasBlob(ctx, blob.Digest, blob.Size); err == nil && has {
			return uploaded, nil
		}
		if err == nil {
			if err = r.upload(ctx, blob); err == nil {
				return true, nil
			}
		}
		if ctx.Err() != nil || !mayPass(err) {
			break
		}
	}
	return false, fmt.Errorf("upload the blob %s: %w", blob.Digest, err)
}

// mayPass reports whether a failed upload may succeed when it is begun again: a
// broken connection, a token that expired, a session that the registry lost.
func mayPass(err error) bool {
	var refused *transport.Error
	if !errors.As(err, &refused) {
		return true
	}
	switch refused.StatusCode {
	case http.StatusNotFound, http.StatusRequestedRangeNotSatisfiable:
		return true
	}
	return refused.StatusCode >= http.StatusInternalServerError
}

// upload is a POST, and a PUT of all the content to the location that its response names.
func (r *Repository) upload(ctx context.Context, blob Blob) error {
	response, err := r.send(ctx, http.MethodPost, r.path("blobs", "uploads")+"/", nil, nil)
	if err != nil {
		return err
	}
	err = transport.CheckError(response, http.StatusAccepted, http.StatusCreated)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return err
	}
	if response.StatusCode == http.StatusCreated {
		return nil // it had the blob after all
	}
	location, err := r.uploadURL(response, blob.Digest)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(http.MethodPut, location, nil)
	if err != nil {
		return fmt.Errorf("the registry's address for the upload: %w", err)
	}
	request.ContentLength, request.GetBody = blob.Size, blob.Open
	request.Header.Set("Content-Type", "application/octet-stream")
	if request.Body, err = blob.Open(); err != nil {
		return err
	}
	if response, err = r.client.Do(request.WithContext(ctx)); err != nil {
		return err
	}
	err = transport.CheckError(response, http.StatusCreated, http.StatusNoContent, http.StatusOK)
	return errors.Join(err, response.Body.Close())
}

// uploadURL returns the URL to which the registry expects a blob. Registries
// that have a proxy before them name themselves with http:// in reply to a request
// over https.
func (r *Repository) uploadURL(answer *http.Response, digest string) (string, error) {
	redirect, err := url.Parse(answer.Header.Get("Location"))
	if err != nil || *redirect == (url.URL{}) {
		return "", errors.New("the registry names no address for the upload (Location)")
	}
	asked := answer.Request.URL
	location := asked.ResolveReference(redirect)
	if asked.Scheme == "https" && location.Scheme == "http" && location.Hostname() == asked.Hostname() {
		location.Scheme, location.Host = asked.Scheme, asked.Host
	}
	query := location.Query()
	query.Set("digest", digest)
	location.RawQuery = query.Encode()
	return location.String(), nil
}

// PutManifest stores a manifest under a tag or its digest.
func (r *Repository) PutManifest(ctx context.Context, reference, mediaType string, text []byte) error {
	response, err := r.send(ctx, http.MethodPut, r.path("manifests", reference), text, http.Header{"Content-Type": {mediaType}})
	if err != nil {
		return err
	}
	err = transport.CheckError(response, http.StatusCreated, http.StatusOK, http.StatusAccepted)
	return errors.Join(err, response.Body.Close())
}

// DeleteTag removes a tag; not every registry can.
func (r *Repository) DeleteTag(ctx context.Context, tag string) error {
	response, err := r.send(ctx, http.MethodDelete, r.path("manifests", tag), nil, nil)
	if err != nil {
		return err
	}
	err = transport.CheckError(response, http.StatusAccepted, http.StatusOK, http.StatusNoContent)
	return errors.Join(err, response.Body.Close())
}

// Manifest is the manifest of a reference.
type Manifest struct {
	MediaType string
	Digest    string // computed here
	Text      []byte
}

// maxManifest bounds a manifest, in bytes: registries take no larger ones.
const maxManifest = 4 << 20

// manifestTypes are accepted in this order.
var manifestTypes = []string{
	string(types.OCIImageIndex), string(types.OCIManifestSchema1),
	string(types.DockerManifestSchema2), string(types.DockerManifestList),
}

// Manifest fetches what a tag or a digest leads to; IsAbsent reports
// whether its error means that it leads to nothing.
func (r *Repository) Manifest(ctx context.Context, reference string) (Manifest, error) {
	response, err := r.send(ctx, http.MethodGet, r.path("manifests", reference), nil, http.Header{"Accept": manifestTypes})
	if err != nil {
		return Manifest{}, err
	}
	defer response.Body.Close()
	if err := transport.CheckError(response, http.StatusOK); err != nil {
		return Manifest{}, err
	}
	text, err := readBounded(response.Body, maxManifest)
	if err != nil {
		return Manifest{}, fmt.Errorf("read the manifest %s: %w", reference, err)
	}
	return Manifest{mediaTypeOf(response.Header.Get("Content-Type"), text), digest.FromBytes(text).String(), text}, nil
}

// mediaTypeOf believes the manifest before the header.
func mediaTypeOf(header string, text []byte) string {
	var declared struct {
		MediaType string `json:"mediaType"`
	}
	if json.Unmarshal(text, &declared) == nil && declared.MediaType != "" {
		return declared.MediaType
	}
	if plain, _, err := mime.ParseMediaType(header); err == nil {
		return plain
	}
	return header
}

func readBounded(body io.Reader, most int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(body, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("it has more than %d bytes", most)
	}
	return text, err
}

func (r *Repository) path(kind, name string) string {
	return "/v2/" + r.Name.RepositoryStr() + "/" + strings.Join([]string{kind, name}, "/")
}

// send sends a request for path; the caller closes the response's body.
func (r *Repository) send(ctx context.Context, method, path string, body []byte, header http.Header) (*http.Response, error) {
	var content io.Reader
	if body != nil {
		content = bytes.NewReader(body)
	}
	request, err := http.NewRequest(method, path, content)
	if err != nil {
		return nil, err
	}
	if header != nil {
		request.Header = header.Clone()
	}
	return r.do(ctx, request)
}
