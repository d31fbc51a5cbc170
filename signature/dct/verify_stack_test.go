//go:build stack

package dct_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/signature/dct"
	"github.com/opensbs/sbs/test/kit/memstore"
)

func TestResolve(t *testing.T) {
	v := newVendor(t, startNotary(t))
	f := newNotaryProxy(t, v.server)
	m := memstore.New()
	refused(t, f.verifier(dct.Root{}, m), f.request(t, ":v1"), &signature.UnsignedError{}) // no trust data
	v.init(t)
	v.sign(t, "v1", digestOf(1))
	v.sign(t, "v2", digestOf(2))

	leaks := goleak.IgnoreCurrent()
	byMemory := f.verifier(dct.Root{}, m)
	keyID := resolved(t, byMemory, f.request(t, ":v1"), digestOf(1))
	root, err := dct.ParseRoot(keyID)
	if err != nil {
		t.Fatal(err)
	}
	for name, verifier := range map[string]dct.Verifier{
		"by memory": byMemory,
		"by root":   f.verifier(root, nil),
		"by both":   f.verifier(root, m),
	} {
		t.Run(name, func(t *testing.T) {
			resolved(t, verifier, f.request(t, ":v2"), digestOf(2))
			resolved(t, verifier, f.request(t, "@"+digestOf(2)), digestOf(2))
			resolved(t, verifier, f.request(t, ":v1@"+digestOf(1)), digestOf(1))
			refused(t, verifier, f.request(t, ":v3"), &signature.UnsignedError{})
			refused(t, verifier, f.request(t, "@"+digestOf(3)), &signature.OtherDigestError{})
			refused(t, verifier, f.request(t, ":v1@"+digestOf(2)), &signature.OtherDigestError{})
		})
	}
	f.CloseClientConnections()
	goleak.VerifyNone(t, leaks)

	v.sign(t, "v1", digestOf(4)) // the vendor moves the tag
	resolved(t, byMemory, f.request(t, ":v1"), digestOf(4))
	refused(t, byMemory, f.request(t, "@"+digestOf(1)), &signature.OtherDigestError{})
}

func TestRolledBack(t *testing.T) {
	v := newVendor(t, startNotary(t))
	v.init(t)
	v.sign(t, "v1", digestOf(1))
	f := newNotaryProxy(t, v.server)
	m := memstore.New()
	verifier := f.verifier(dct.Root{}, m)
	keyID := resolved(t, verifier, f.request(t, ":v1"), digestOf(1))
	old := f.Replay(nil)
	v.sign(t, "v1", digestOf(2))
	resolved(t, verifier, f.request(t, ":v1"), digestOf(2))

	f.SetHandler(old)
	refused(t, verifier, f.request(t, ":v1"), &signature.RolledBackError{})
	root, err := dct.ParseRoot(keyID)
	if err != nil {
		t.Fatal(err)
	}
	refused(t, f.verifier(root, m), f.request(t, ":v1"), &signature.RolledBackError{})
	resolved(t, f.verifier(root, nil), f.request(t, ":v1"), digestOf(1)) // what nobody remembers can't be missed
	f.SetHandler(f.Forward(t, v.server))
	resolved(t, verifier, f.request(t, ":v1"), digestOf(2))
}

func TestRootChanged(t *testing.T) {
	v, other := newVendor(t, startNotary(t)), newVendor(t, startNotary(t))
	for n, one := range []*vendor{v, other} {
		one.init(t)
		one.sign(t, "v1", digestOf(n+1))
	}
	f := newNotaryProxy(t, v.server)
	verifier := f.verifier(dct.Root{}, memstore.New())
	keyID := resolved(t, verifier, f.request(t, ":v1"), digestOf(1))
	root, err := dct.ParseRoot(keyID)
	if err != nil {
		t.Fatal(err)
	}
	mine := f.Forward(t, v.server)
	theirs := f.Forward(t, other.server)
	f.SetHandler(theirs)
	refused(t, verifier, f.request(t, ":v1"), &signature.RootChangedError{})
	refused(t, f.verifier(root, nil), f.request(t, ":v1"), &signature.RootChangedError{})
	resolved(t, f.verifier(dct.Root{}, memstore.New()), f.request(t, ":v1"), digestOf(2))

	// The root is ours when it is looked at and another's when it is believed.
	looked := false
	f.SetHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler := theirs
		if strings.HasSuffix(r.URL.Path, "/root.json") && !looked {
			looked, handler = true, mine
		}
		handler.ServeHTTP(w, r)
	}))
	if _, err := f.verifier(root, nil).Verify(t.Context(), f.request(t, ":v1")); err == nil || !looked {
		t.Errorf("looked %v, error %v", looked, err)
	}
}

// Trust data that was changed on the way is never believed.
func TestTampered(t *testing.T) {
	v := newVendor(t, startNotary(t))
	v.init(t)
	v.sign(t, "v1", digestOf(1))
	f := newNotaryProxy(t, v.server)
	root, err := dct.ParseRoot(resolved(t, f.verifier(dct.Root{}, memstore.New()), f.request(t, ":v1"), digestOf(1)))
	if err != nil {
		t.Fatal(err)
	}
	hash := func(n byte) []byte {
		return []byte(base64.StdEncoding.EncodeToString(append(make([]byte, 31), n)))
	}
	changed := 0
	f.SetHandler(f.Replay(func(_ string, content []byte) []byte {
		changed += bytes.Count(content, hash(1))
		return bytes.ReplaceAll(content, hash(1), hash(2))
	}))
	if verified, err := f.verifier(root, nil).Verify(t.Context(), f.request(t, ":v1")); err == nil || changed == 0 {
		t.Errorf("%+v after %d changes", verified, changed)
	}
	f.SetHandler(f.Replay(nil))
	resolved(t, f.verifier(root, nil), f.request(t, ":v1"), digestOf(1))
}

// The releases delegation is read first, and what other delegations sign does
// not count: docker's rule.
func TestDelegations(t *testing.T) {
	v := newVendor(t, startNotary(t))
	v.init(t)
	v.sign(t, "v1", digestOf(1))
	v.sign(t, "admin", digestOf(1))
	for name, role := range map[string]string{"releaser": "targets/releases", "alice": "targets/alice"} {
		certificate := filepath.Join(v.folder, name+".pem")
		key := filepath.Join(v.folder, name+"-key.pem")
		openssl(t, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
		openssl(t, "req", "-x509", "-new", "-key", key, "-subj", "/CN="+name, "-days", "30", "-out", certificate)
		v.notary(t, "delegation", "add", "--publish", gun, role, certificate, "--all-paths")
		v.notary(t, "key", "import", key, "--role", name, "--gun", gun)
	}
	v.sign(t, "v1", digestOf(2), "targets/releases")
	v.sign(t, "aliced", digestOf(3), "targets/alice")

	f := newNotaryProxy(t, v.server)
	verifier := f.verifier(dct.Root{}, memstore.New())
	resolved(t, verifier, f.request(t, ":v1"), digestOf(2))
	resolved(t, verifier, f.request(t, ":admin"), digestOf(1))
	resolved(t, verifier, f.request(t, "@"+digestOf(2)), digestOf(2))
	refused(t, verifier, f.request(t, ":aliced"), &signature.UnsignedError{})
	refused(t, verifier, f.request(t, "@"+digestOf(3)), &signature.OtherDigestError{})
}

func openssl(t *testing.T, arguments ...string) {
	t.Helper()
	if output, err := exec.CommandContext(t.Context(), "openssl", arguments...).CombinedOutput(); err != nil {
		t.Fatalf("openssl %v: %v\n%s", arguments, err, output)
	}
}

func TestVerifyErrors(t *testing.T) {
	v := newVendor(t, startNotary(t))
	v.init(t)
	v.sign(t, "v1", digestOf(1))
	f := newNotaryProxy(t, v.server)
	good, m := f.request(t, ":v1"), memstore.New()
	resolved(t, f.verifier(dct.Root{}, m), good, digestOf(1))

	unknown := good
	unknown.CABundle = nil
	refused(t, f.verifier(dct.Root{}, m), unknown, &signature.CertificateError{})
	for server, want := range map[string]error{
		"127.0.0.1:1":              &signature.UnreachableError{},
		"https://notary.docker.io": nil,
		"http://192.0.2.1":         nil,
		"":                         nil,
	} {
		verifier := dct.Verifier{Server: server, States: m}
		if want != nil {
			refused(t, verifier, good, want)
		} else if _, err := verifier.Verify(t.Context(), good); err == nil {
			t.Errorf("verified at %q", server)
		}
	}
	if _, err := f.verifier(dct.Root{}, nil).Verify(t.Context(), good); err == nil {
		t.Error("verified without a root and without a memory")
	}
	for name, record := range m.Entries {
		m.Entries[name] = append(record, '}')
	}
	if _, err := f.verifier(dct.Root{}, m).Verify(t.Context(), good); err == nil {
		t.Error("a damaged memory counts as none")
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped by clean")
	cancel(stopped)
	if _, err := f.verifier(dct.Root{}, memstore.New()).Verify(ctx, good); !errors.Is(err, stopped) {
		t.Errorf("an ended context: %v", err)
	}
	f.SetHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	refused(t, f.verifier(dct.Root{}, memstore.New()), good, &signature.AccessError{})
}

// The certificate in root.json pins as well as its id.
func TestRootByCertificate(t *testing.T) {
	v := newVendor(t, startNotary(t))
	v.init(t)
	v.sign(t, "v1", digestOf(1))
	f := newNotaryProxy(t, v.server)
	resolved(t, f.verifier(dct.Root{}, memstore.New()), f.request(t, ":v1"), digestOf(1))
	text, err := os.ReadFile(filepath.Join(v.folder, "trust", "tuf", filepath.FromSlash(gun), "metadata", "root.json"))
	if err != nil {
		t.Fatal(err)
	}
	var root struct {
		Signed struct {
			Keys  map[string]struct{ Keyval struct{ Public string } }
			Roles struct{ Root struct{ Keyids []string } }
		}
	}
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	pinned, err := dct.ParseRoot(root.Signed.Keys[root.Signed.Roles.Root.Keyids[0]].Keyval.Public)
	if err != nil {
		t.Fatal(err)
	}
	resolved(t, f.verifier(pinned, nil), f.request(t, ":v1"), digestOf(1))
}
