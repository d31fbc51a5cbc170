package registry

// What is attached to an image: manifests that have it as their subject (OCI
// distribution-spec 1.1, "Listing Referrers"). A registry lists them itself, or
// else clients keep an index of them under the tag sha256-<hex>, the fallback
// tag. Who writes and who reads must agree on which of the two it is, so both
// decide here: a registry has the API where /referrers/ is served with the
// status 200 and the media type of an OCI index, and with nothing else. This is
// what go-containerregistry, and so cosign, goes by too.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/opencontainers/go-digest"

	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/signature/httpclient"
)

// FallbackTag is the tag under which the referrers of the manifest with the
// digest are listed where the registry has no API for that.
func FallbackTag(digest string) string { return strings.Replace(digest, ":", "-", 1) }

// Referrers lists what is attached to the manifest with the digest.
func (r *Repository) Referrers(ctx context.Context, subject string) ([]v1.Descriptor, error) {
	index, supported, err := r.referrersAPI(ctx, subject)
	if err == nil && !supported {
		index, err = r.fallback(ctx, subject)
	}
	if err != nil {
		return nil, fmt.Errorf("list the image's referrers: %w", err)
	}
	return index.Manifests, nil
}

// referrersAPI queries the registry itself.
func (r *Repository) referrersAPI(ctx context.Context, subject string) (index v1.IndexManifest, supported bool, err error) {
	response, err := r.send(ctx, http.MethodGet, r.path("referrers", subject), nil, http.Header{"Accept": {string(types.OCIImageIndex)}})
	if err != nil {
		return index, false, err
	}
	defer response.Body.Close()
	supported, known := supportsReferrers(response.StatusCode, response.Header.Get("Content-Type"))
	if !known {
		return index, false, transport.CheckError(response, http.StatusOK)
	}
	if !supported {
		return index, false, nil
	}
	if index, err = r.pages(ctx, response); err != nil {
		return index, false, fmt.Errorf("read the registry's list: %w", err)
	}
	return index, true, nil
}

// supportsReferrers decides from a response whether the registry has the API. It
// is not known where the user was refused or the registry has trouble: a list
// that is not there now may be there later.
func supportsReferrers(status int, contentType string) (supported, known bool) {
	switch {
	case status == http.StatusOK:
		return contentType == string(types.OCIImageIndex), true
	case status == http.StatusUnauthorized, status == http.StatusTooManyRequests:
		return false, false
	case status >= http.StatusInternalServerError && status != http.StatusNotImplemented:
		return false, false
	}
	return false, true
}

// fallback reads the index under the fallback tag. GitLab's registry takes the
// tag for the digest, and shows the image itself as long as the tag is not
// written: that is as if there was none.
func (r *Repository) fallback(ctx context.Context, subject string) (index v1.IndexManifest, err error) {
	index = v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex}
	found, err := r.Manifest(ctx, FallbackTag(subject))
	if IsAbsent(err) || err == nil && found.Digest == subject {
		return index, nil
	}
	if err != nil {
		return index, err
	}
	if found.MediaType != string(types.OCIImageIndex) {
		return index, fmt.Errorf("the tag %s leads to a manifest of the type %.200q: %w", FallbackTag(subject), found.MediaType, errNoIndex)
	}
	if err := json.Unmarshal(found.Text, &index); err != nil {
		return index, fmt.Errorf("read the tag %s: %w", FallbackTag(subject), err)
	}
	return index, nil
}

// Referrer is a manifest that is attached to another.
type Referrer struct {
	Subject      string // digest of the manifest that it is attached to, and that it names
	ArtifactType string
	Annotations  map[string]string
	Manifest     []byte // an OCI image manifest
}

// Attach stores a referrer, whose blobs must be there, and returns its digest when
// the registry lists it. What was attached by others stays, also when they do so at
// the same time. An error that is not one of the transport is a
// *signature.ReferrerError.
func (r *Repository) Attach(ctx context.Context, referrer Referrer) (string, error) {
	d := digest.FromBytes(referrer.Manifest).String()
	if err := r.PutManifest(ctx, d, string(types.OCIManifestSchema1), referrer.Manifest); err != nil {
		return "", r.notKept(fmt.Errorf("upload the referrer: %w", err))
	}
	_, supported, err := r.referrersAPI(ctx, referrer.Subject)
	if err == nil {
		keep := r.awaitListed
		if !supported {
			keep = r.addToFallback
		}
		err = keep(ctx, referrer, d)
	}
	if err != nil {
		return "", r.notKept(fmt.Errorf("list the referrer %s: %w", d, err))
	}
	return d, nil
}

// Why a referrer is not where verifiers look for it.
var (
	errNoIndex   = errors.New("not an index of referrers")
	errNotListed = errors.New("the registry has an API for referrers, and does not list it there")
	errLost      = errors.New("others write the index under the fallback tag at the same time, and it is lost each time")
)

// notKept makes a *signature.ReferrerError of an error that is not one of the
// transport.
func (r *Repository) notKept(err error) error {
	var refused *transport.Error
	switch {
	case errors.Is(err, errNoIndex), errors.Is(err, errNotListed), errors.Is(err, errLost):
	case !errors.As(err, &refused), refused.StatusCode == http.StatusUnauthorized,
		refused.StatusCode >= http.StatusInternalServerError, httpclient.IsBusy(refused.StatusCode):
		return err
	}
	return &signature.ReferrerError{Server: r.Name.RegistryStr(), Err: err}
}
