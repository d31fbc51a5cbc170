package simple_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/signing"
	"github.com/opensbs/sbs/server/signing/simple"
	"github.com/opensbs/sbs/test/harness/registry"
	"github.com/opensbs/sbs/test/kit/testregistry"
)

func sign(t *testing.T, m *memory, request signing.Request) signing.PublicKey {
	t.Helper()
	key, err := simple.New(m, m, "1.2.3").Sign(t.Context(), request, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// stored are the signatures of a request's image in m or in the registry.
func stored(t *testing.T, m *memory, server *registry.Server, request signing.Request, extended bool) [][]byte {
	t.Helper()
	if !extended {
		kept, err := m.Signatures("ns/app@" + strings.Replace(request.Image.Digest, ":", "=", 1))
		if err != nil {
			t.Fatal(err)
		}
		return kept
	}
	ask, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+server.Address()+"/extensions/v2/ns/app/signatures/"+request.Image.Digest, nil)
	if err != nil {
		t.Fatal(err)
	}
	ask.SetBasicAuth(server.Reader().User, server.Reader().Password)
	answer, err := http.DefaultClient.Do(ask)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var list struct {
		Signatures []struct{ Content []byte }
	}
	if err := json.NewDecoder(answer.Body).Decode(&list); err != nil {
		t.Fatal(err)
	}
	var signatures [][]byte
	for _, signature := range list.Signatures {
		signatures = append(signatures, signature.Content)
	}
	return signatures
}

// opened is the payload of a signature by the key.
func opened(t *testing.T, key signing.PublicKey, signature []byte) string {
	t.Helper()
	ring, err := openpgp.ReadArmoredKeyRing(strings.NewReader(key.Key))
	if err != nil {
		t.Fatal(err)
	}
	message, err := openpgp.ReadMessage(bytes.NewReader(signature), ring, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(message.UnverifiedBody)
	if err != nil || message.SignatureError != nil || message.SignedBy == nil {
		t.Fatalf("the signature does not verify: %v, %v", err, message.SignatureError)
	}
	return string(content)
}

func TestSign(t *testing.T) {
	m, other := newMemory(), newMemory()
	for name, extended := range map[string]bool{"the registry keeps signatures": true, "the lookaside store keeps them": false} {
		t.Run(name, func(t *testing.T) {
			var extensions []func(http.Handler) http.Handler
			if extended {
				extensions = append(extensions, registry.WithSignatures)
			}
			server := testregistry.Start(t, extensions...)
			request := push(t, server, "v1", "latest")
			key := sign(t, m, request)
			signatures := stored(t, m, server, request, extended)
			if len(signatures) != 2 {
				t.Fatalf("%d signatures for two tags", len(signatures))
			}
			for i, tag := range request.Image.Tags {
				text := opened(t, key, signatures[i])
				want := fmt.Sprintf(`{"critical":{"type":"atomic container signature","image":{"docker-manifest-digest":"%s"},"identity":{"docker-reference":"%s/ns/app:%s"}},"optional":{"creator":"sbs-server 1.2.3","timestamp":`,
					request.Image.Digest, server.Address(), tag)
				if !strings.HasPrefix(text, want) || strings.Contains(text[len(want):], ".") {
					t.Errorf("payload\n%s, want\n%s", text, want)
				}
			}
			t.Run("again adds nothing", func(t *testing.T) {
				if again := sign(t, m, request); again != key {
					t.Error("the key changed")
				}
				if n := len(stored(t, m, server, request, extended)); n != 2 {
					t.Errorf("%d signatures", n)
				}
			})
			t.Run("one more tag adds one", func(t *testing.T) {
				request := request
				request.Image.Tags = []string{"v1", "v2"}
				sign(t, m, request)
				if n := len(stored(t, m, server, request, extended)); n != 3 {
					t.Errorf("%d signatures", n)
				}
			})
			t.Run("another key's do not count", func(t *testing.T) {
				other.signatures = m.signatures
				sign(t, other, request)
				if n := len(stored(t, m, server, request, extended)); n != 5 {
					t.Errorf("%d signatures", n)
				}
			})
		})
	}
}

func TestKey(t *testing.T) {
	server := testregistry.Start(t)
	request := push(t, server, "v1")
	m := newMemory()
	key := sign(t, m, request)
	ring, err := openpgp.ReadArmoredKeyRing(strings.NewReader(key.Key))
	if err != nil || len(ring) != 1 {
		t.Fatalf("%d keys, %v", len(ring), err)
	}
	primary := ring[0].PrimaryKey
	bits, err := primary.BitLength()
	if err != nil || bits != 4096 || primary.Version != 4 || ring[0].PrivateKey != nil || len(ring[0].Subkeys) != 0 {
		t.Errorf("%d bits, version %d, private %v, %d subkeys, %v", bits, primary.Version, ring[0].PrivateKey != nil, len(ring[0].Subkeys), err)
	}
	if self, _ := ring[0].PrimarySelfSignature(); self == nil || self.KeyLifetimeSecs != nil {
		t.Error("the key expires")
	}
	if key.Method != api.SigningSimple || key.ID != fmt.Sprintf("%X", primary.Fingerprint) {
		t.Errorf("method %s, id %s", key.Method, key.ID)
	}
	m.Entries["simple/key"] = []byte("damaged")
	if _, err := simple.New(m, m, "").Sign(t.Context(), request, io.Discard); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("a damaged key: %v", err)
	}
	if string(m.Entries["simple/key"]) != "damaged" {
		t.Error("a damaged key was replaced")
	}
}

func TestSignRefuses(t *testing.T) {
	server := testregistry.Start(t)
	good := push(t, server, "v1")
	m := newMemory()
	sign(t, m, good) // so that the key is there
	for name, test := range map[string]struct {
		change func(*signing.Request)
		says   string
	}{
		"no tag":             {func(r *signing.Request) { r.Image.Tags = nil }, "no tag"},
		"a wrong password":   {func(r *signing.Request) { r.Account.Password = "wrong-word" }, "DOCKER_PASSWORD"},
		"no authorities":     {func(r *signing.Request) { r.CABundle = []byte("none") }, "no PEM block CERTIFICATE"},
		"nobody listening":   {func(r *signing.Request) { r.Image.Repository = "127.0.0.1:1/ns/app" }, "refused"},
		"not a registry":     {func(r *signing.Request) { r.Image.Repository = "nowhere" }, "nowhere"},
		"an algorithm apart": {func(r *signing.Request) { r.Image.Digest = "sha512:00" }, "sha256"},
	} {
		t.Run(name, func(t *testing.T) {
			request := good
			test.change(&request)
			_, err := simple.New(m, m, "").Sign(t.Context(), request, io.Discard)
			if err == nil || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "wrong-word") {
				t.Errorf("error %v, want one with %q", err, test.says)
			}
		})
	}
	t.Run("an ended context", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		stopped := errors.New("stopped by clean")
		cancel(stopped)
		if _, err := simple.New(m, m, "").Sign(ctx, good, io.Discard); !errors.Is(err, stopped) {
			t.Errorf("error %v", err)
		}
	})
}
