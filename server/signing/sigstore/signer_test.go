package sigstore_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/signing"
	"github.com/opensbs/sbs/server/signing/sigstore"
	"github.com/opensbs/sbs/test/kit/memstore"
)

const bundleType = "application/vnd.dev.sigstore.bundle.v0.3+json"

func sign(t *testing.T, signer *sigstore.Signer, request signing.Request) signing.PublicKey {
	t.Helper()
	key, err := signer.Sign(t.Context(), request, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func publicKey(t *testing.T, key signing.PublicKey) *ecdsa.PublicKey {
	t.Helper()
	block, rest := pem.Decode([]byte(key.Key))
	if block == nil || len(rest) != 0 {
		t.Fatalf("no PEM: %s", key.Key)
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	public, ok := parsed.(*ecdsa.PublicKey)
	if !ok || public.Curve != elliptic.P256() || key.ID != fmt.Sprintf("%x", sha256.Sum256(block.Bytes)) {
		t.Errorf("a key of type %T with id %s", parsed, key.ID)
	}
	return public
}

func TestBundle(t *testing.T) {
	eachRegistry(t, func(t *testing.T, f *fixture) {
		signer := sigstore.New(memstore.New())
		request := f.push(t, "v1", "latest")
		key := sign(t, signer, request)
		public := publicKey(t, key)
		if key.Method != api.SigningSigstore {
			t.Errorf("method %s", key.Method)
		}
		found := f.referrers(t, request)
		// The in-memory registry with the API does not return a referrer's type.
		typed := f.HasReferrers() || len(found) > 0 && found[0].ArtifactType == bundleType
		if len(found) != 1 || !typed {
			t.Fatalf("referrers %+v", found)
		}
		image, err := remote.Image(f.repository.Digest(found[0].Digest.String()), f.Options(t)...)
		if err != nil {
			t.Fatal(err)
		}
		manifest, err := image.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		if len(manifest.Layers) != 1 || manifest.Layers[0].MediaType != bundleType || manifest.ArtifactType != bundleType ||
			manifest.Config.MediaType != "application/vnd.oci.empty.v1+json" || manifest.Subject.Digest.String() != request.Image.Digest {
			t.Errorf("manifest %+v", manifest)
		}
		layer, err := remote.Layer(f.repository.Digest(manifest.Layers[0].Digest.String()), f.Options(t)...)
		if err != nil {
			t.Fatal(err)
		}
		content, err := layer.Compressed()
		if err != nil {
			t.Fatal(err)
		}
		defer content.Close()
		var bundle struct {
			Envelope struct {
				Payload     []byte
				PayloadType string
				Signatures  []struct{ Sig []byte }
			} `json:"dsseEnvelope"`
		}
		if err := json.NewDecoder(content).Decode(&bundle); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"%s"}}],"predicateType":"https://sigstore.dev/cosign/sign/v1","predicate":{}}`,
			strings.TrimPrefix(request.Image.Digest, "sha256:"))
		if string(bundle.Envelope.Payload) != want {
			t.Errorf("payload\n%s, want\n%s", bundle.Envelope.Payload, want)
		}
		signed := sha256.Sum256(fmt.Appendf(nil, "DSSEv1 28 application/vnd.in-toto+json %d %s", len(want), want))
		if len(bundle.Envelope.Signatures) != 1 || !ecdsa.VerifyASN1(public, signed[:], bundle.Envelope.Signatures[0].Sig) {
			t.Error("the signature does not verify")
		}

		t.Run("again adds nothing", func(t *testing.T) {
			if sign(t, signer, request) != key || len(f.referrers(t, request)) != 1 {
				t.Errorf("%d referrers", len(f.referrers(t, request)))
			}
		})
		t.Run("another's stays", func(t *testing.T) {
			sign(t, sigstore.New(memstore.New()), request)
			if n := len(f.referrers(t, request)); n != 2 {
				t.Errorf("%d referrers", n)
			}
		})
	})
}

func TestLegacy(t *testing.T) {
	eachRegistry(t, func(t *testing.T, f *fixture) {
		request := f.push(t, "v1", "latest")
		signer := sigstore.New(memstore.New()).Legacy()
		key := sign(t, signer, request)
		public := publicKey(t, key)
		if key.Method != api.SigningSigstoreLegacy {
			t.Errorf("method %s", key.Method)
		}
		// references are those that the key has signed, and how many layers there are.
		signed := func() (references []string, layers int) {
			tag := f.repository.Tag(strings.Replace(request.Image.Digest, ":", "-", 1) + ".sig")
			image, err := remote.Image(tag, f.Options(t)...)
			if err != nil {
				t.Fatal(err)
			}
			manifest, err := image.Manifest()
			if err != nil {
				t.Fatal(err)
			}
			for _, descriptor := range manifest.Layers {
				layer, err := image.LayerByDigest(descriptor.Digest)
				if err != nil {
					t.Fatal(err)
				}
				content, err := layer.Compressed()
				if err != nil {
					t.Fatal(err)
				}
				text, err := io.ReadAll(content)
				if err := errors.Join(err, content.Close()); err != nil {
					t.Fatal(err)
				}
				signature, err := base64.StdEncoding.DecodeString(descriptor.Annotations["dev.cosignproject.cosign/signature"])
				hash := sha256.Sum256(text)
				if err != nil || !ecdsa.VerifyASN1(public, hash[:], signature) {
					continue
				}
				for _, imageTag := range []string{"v1", "latest", "v2"} {
					reference := request.Image.Repository + ":" + imageTag
					if string(text) == `{"critical":{"identity":{"docker-reference":"`+reference+`"},"image":{"docker-manifest-digest":"`+request.Image.Digest+`"},"type":"cosign container image signature"},"optional":{"creator":"sbs-server"}}` {
						references = append(references, imageTag)
					}
				}
			}
			return references, len(manifest.Layers)
		}
		expect := func(want string, layers int) {
			t.Helper()
			if references, n := signed(); strings.Join(references, " ") != want || n != layers {
				t.Errorf("%q are signed in %d layers", references, n)
			}
		}
		expect("v1 latest", 2)
		sign(t, signer, request)
		expect("v1 latest", 2)
		sign(t, sigstore.New(memstore.New()).Legacy(), request)
		expect("v1 latest", 4)
		more := request
		more.Image.Tags = []string{"v2"}
		sign(t, signer, more)
		expect("v1 latest v2", 5)
	})
}

func TestOneKey(t *testing.T) {
	eachRegistry(t, func(t *testing.T, f *fixture) {
		store := memstore.New()
		request := f.push(t, "v1")
		first := sign(t, sigstore.New(store), request)
		second := sign(t, sigstore.New(store).Legacy(), request)
		if first.Key != second.Key || first.ID != second.ID || len(store.Entries) != 1 || store.Entries["sigstore/key"] == nil {
			t.Errorf("%d keys", len(store.Entries))
		}
		store.Entries["sigstore/key"] = []byte("damaged")
		if _, err := sigstore.New(store).Sign(t.Context(), request, io.Discard); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("a damaged key: %v", err)
		}
		if string(store.Entries["sigstore/key"]) != "damaged" {
			t.Error("a damaged key was replaced")
		}
	})
}

func TestSignRefuses(t *testing.T) {
	eachRegistry(t, func(t *testing.T, f *fixture) {
		store := memstore.New()
		request := f.push(t, "v1")
		for name, signer := range map[string]*sigstore.Signer{"bundle": sigstore.New(store), "legacy": sigstore.New(store).Legacy()} {
			t.Run(name, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				stopped := errors.New("stopped by clean")
				cancel(stopped)
				if _, err := signer.Sign(ctx, request, io.Discard); !errors.Is(err, stopped) {
					t.Errorf("an ended context: %v", err)
				}
				if !f.HasReferrers() {
					wrong := request
					wrong.Account.Password = "wrong-word"
					_, err := signer.Sign(t.Context(), wrong, io.Discard)
					if err == nil || !strings.Contains(err.Error(), "DOCKER_PASSWORD") || strings.Contains(err.Error(), "wrong-word") {
						t.Errorf("a wrong password: %v", err)
					}
				}
				untagged := request
				untagged.Image.Tags = nil
				if _, err := signer.Sign(t.Context(), untagged, io.Discard); err == nil {
					t.Error("an image without a tag was signed")
				}
			})
		}
	})
}
