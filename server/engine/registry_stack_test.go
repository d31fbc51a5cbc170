//go:build stack

package engine

// Images get into a registry by go-containerregistry: the Engine pushes nothing.

import (
	"bytes"
	"io"
	"net/http"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/opensbs/sbs/api"
)

// inRegistry pushes the image with the tag to its registry and returns the digest of
// its manifest there.
func inRegistry(t *testing.T, e *Engine, tag string, credentials api.RegistryAccount) string {
	t.Helper()
	var archive bytes.Buffer
	if err := e.Save(t.Context(), tag, &archive, 1<<30); err != nil {
		t.Fatal(err)
	}
	image, err := tarball.Image(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive.Bytes())), nil }, nil)
	if err != nil {
		t.Fatal(err)
	}
	reference, err := name.ParseReference(tag, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Transport{}
	defer client.CloseIdleConnections()
	account := authn.Anonymous
	if credentials != (api.RegistryAccount{}) {
		account = &authn.Basic{Username: credentials.User, Password: string(credentials.Password)}
	}
	if err := remote.Write(reference, image, remote.WithAuth(account), remote.WithTransport(client), remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest.String()
}

// onlyInRegistry makes a base image that is in the registry and not in the
// Engine's own store, and returns its digest.
func onlyInRegistry(t *testing.T, e *Engine, tag string, credentials api.RegistryAccount) string {
	t.Helper()
	base(t, e, tag)
	digest := inRegistry(t, e, tag, credentials)
	if err := e.Remove(t.Context(), tag); err != nil {
		t.Fatal(err)
	}
	return digest
}
