package sigstore_test

// What the tests check: both kinds of registries, and a vendor who signs.

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/opencontainers/go-digest"

	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/signature/bundle"
	"github.com/opensbs/sbs/signature/sigstore"
	"github.com/opensbs/sbs/test/kit/testregistry"
)

// fixture is one registry and one vendor.
type fixture struct {
	testregistry.Registry
	vendor *ecdsa.PrivateKey
}

// eachRegistry runs a test in both kinds of registries.
func eachRegistry(t *testing.T, test func(t *testing.T, f *fixture)) {
	testregistry.Each(t, func(t *testing.T, r testregistry.Registry) { test(t, &fixture{r, newVendor(t)}) })
}

func newVendor(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func verifier(t *testing.T, vendor *ecdsa.PrivateKey) sigstore.Verifier {
	t.Helper()
	key, err := bundle.NewKey(vendor.Public())
	if err != nil {
		t.Fatal(err)
	}
	return sigstore.Verifier{Key: key}
}

func (f *fixture) request(t *testing.T, path string) signature.Request {
	t.Helper()
	r, err := signature.ParseReference(f.Address + "/" + path)
	if err != nil {
		t.Fatal(err)
	}
	return signature.Request{Reference: r, Access: f.Access()}
}

// statement is a statement of a vendor about an image.
func statement(t *testing.T, vendor *ecdsa.PrivateKey, about v1.Hash, predicateType string) []byte {
	t.Helper()
	text, err := bundle.Sign(vendor, bundle.Statement{
		Subjects:      []bundle.Subject{{Digest: map[string]string{"sha256": about.Hex}}},
		PredicateType: predicateType,
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// attach stores a text of a type attached to an image and returns its referrer.
func (f *fixture) attach(t *testing.T, path string, subject v1.Descriptor, mediaType types.MediaType, text []byte) name.Digest {
	t.Helper()
	repository := f.Repository(t, path)
	descriptors := make([]v1.Descriptor, 2)
	for i, layer := range []v1.Layer{static.NewLayer([]byte("{}"), "application/vnd.oci.empty.v1+json"), static.NewLayer(text, mediaType)} {
		if err := remote.WriteLayer(repository, layer, f.Options(t)...); err != nil {
			t.Fatal(err)
		}
		hash, err := layer.Digest()
		if err != nil {
			t.Fatal(err)
		}
		size, err := layer.Size()
		if err != nil {
			t.Fatal(err)
		}
		kind, err := layer.MediaType()
		if err != nil {
			t.Fatal(err)
		}
		descriptors[i] = v1.Descriptor{MediaType: kind, Digest: hash, Size: size}
	}
	manifest, err := json.Marshal(v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: string(mediaType),
		Config: descriptors[0], Layers: descriptors[1:], Subject: &subject,
	})
	if err != nil {
		t.Fatal(err)
	}
	referrer := repository.Digest(digest.FromBytes(manifest).String())
	if err := remote.Put(referrer, raw(manifest), f.Options(t)...); err != nil {
		t.Fatal(err)
	}
	return referrer
}

// raw is a manifest as its bytes.
type raw []byte

func (r raw) RawManifest() ([]byte, error)      { return r, nil }
func (raw) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }

// legacy adds a signature of the older form attached to an image.
func (f *fixture) legacy(t *testing.T, vendor *ecdsa.PrivateKey, path string, subject v1.Hash, payload []byte) {
	t.Helper()
	tag := f.Repository(t, path).Tag(sigstore.LegacyTag(subject.String()))
	image, err := remote.Image(tag, f.Options(t)...)
	if err != nil {
		image = mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	}
	sum := sha256.Sum256(payload)
	made, err := ecdsa.SignASN1(rand.Reader, vendor, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	image, err = mutate.Append(image, mutate.Addendum{
		Layer:       static.NewLayer(payload, sigstore.LegacyType),
		MediaType:   sigstore.LegacyType,
		Annotations: map[string]string{sigstore.LegacyAnnotation: base64.StdEncoding.EncodeToString(made)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, image, f.Options(t)...); err != nil {
		t.Fatal(err)
	}
}
