package verify_test

import (
	"encoding/pem"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/client/verify"
)

// mirrored copies all that is in the image's repository to another one, and asks
// for it there.
func (w *fixture) mirrored() {
	w.t.Helper()
	mirror, err := name.NewRepository(w.name.RegistryStr() + "/copies/of/app")
	w.must(err)
	tags, err := remote.List(w.name, w.options()...)
	w.must(err)
	for _, tag := range tags {
		found, err := remote.Get(w.name.Tag(tag), w.options()...)
		w.must(err)
		if found.MediaType.IsIndex() {
			index, err := found.ImageIndex()
			w.must(err)
			w.must(remote.WriteIndex(mirror.Tag(tag), index, w.options()...))
			continue
		}
		image, err := found.Image()
		w.must(err)
		w.must(remote.Write(mirror.Tag(tag), image, w.options()...))
	}
	w.Reference.Repository = mirror.Name()
}

// TestMirror: an image is read from a mirror, and judged as one of the trust
// file's repository, where the auditor or the trust file allows that mirror.
func TestMirror(t *testing.T) {
	address, account := withFallback(t)
	w := newServer(t).build(t, address, account, changes{})
	original, mine := w.name.Name(), w.Request
	w.mirrored()
	mirror := w.Reference.Repository
	if report, err := verify.Run(t.Context(), w.Request); err == nil {
		t.Errorf("verified though nothing names it a mirror: %s", report.Text())
	}
	w.MirrorOf = "registry.example.com/bank/app"
	if report, err := verify.Run(t.Context(), w.Request); err == nil {
		t.Errorf("judged as a copy of what the trust file is not for: %s", report.Text())
	}
	for where, allow := range map[string]func(){
		"by the request":       func() { w.MirrorOf = original },
		"by the trust file":    func() { w.MirrorOf, w.Trust.Mirrors = "", []string{mirror} },
		"a mirror of a mirror": func() { w.MirrorOf, w.Trust.Mirrors = "", []string{"mirror.example.com/a/b", mirror} },
	} {
		allow()
		report := w.run()
		if got := outcomes(report); !maps.Equal(got, untouched()) || report.MirrorOf != original || report.Image != mirror+":latest" {
			t.Errorf("%s: %v as %q\n%s", where, got, report.MirrorOf, report.Text())
		}
		if text := report.Text(); !strings.Contains(text, mirror) || strings.Count(text, original) < 2 {
			t.Errorf("%s: the report does not name both:\n%s", where, text)
		}
	}
	mine.Trust.Mirrors = []string{mirror}
	w.Request = mine
	if report := w.run(); report.MirrorOf != "" || len(outcomes(report)) != 1 {
		t.Errorf("the original: %s", report.Text())
	}
}

// TestMirrorOfAnother: an image that was signed under another name than the one
// that it is judged as fails wherever a name was signed.
func TestMirrorOfAnother(t *testing.T) {
	address, account := withFallback(t)
	w := newServer(t).build(t, address, account, changes{})
	w.Trust.Repository = "registry.example.com/bank/app"
	w.MirrorOf = w.Trust.Repository
	var failed []string
	for row, outcome := range outcomes(w.run()) {
		if outcome == verify.Failed {
			failed = append(failed, row)
		}
	}
	slices.Sort(failed)
	if want := []string{"build record", "signature sigstore-legacy", "signature simple"}; !slices.Equal(failed, want) {
		t.Errorf("%q, want %q", failed, want)
	}
}

// TestMirrorAccountIsNotSentToNotary checks that trust data is requested with the original
// name from the original's notary server, without the mirror's account.
func TestMirrorAccountIsNotSentToNotary(t *testing.T) {
	var lock sync.Mutex
	var paths, accounts []string
	notary := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lock.Lock()
		defer lock.Unlock()
		paths = append(paths, r.URL.Path)
		if user, _, given := r.BasicAuth(); given {
			accounts = append(accounts, user)
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="notary"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(notary.Close)
	address, account := withFallback(t)
	w := newServer(t).build(t, address, account, changes{})
	original := w.name.Name()
	w.Trust.Signatures = append(w.Trust.Signatures, verify.Key{Method: api.SigningDCT, ID: rootID, Key: rootID})
	w.Trust.Notary = notary.URL
	w.Trust.NotaryCA = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: notary.Certificate().Raw}))
	w.run()
	if !slices.Contains(accounts, account.Username) {
		t.Errorf("the original's account was not sent: %q of %q", accounts, paths)
	}
	w.mirrored()
	w.MirrorOf, paths, accounts = original, nil, nil
	w.run()
	if len(accounts) > 0 || len(paths) == 0 {
		t.Errorf("at a mirror: the accounts %q were sent, the paths are %q", accounts, paths)
	}
	w.Origin.User, w.Origin.Password = "origin", "secret"
	w.run()
	if !slices.Contains(accounts, "origin") || slices.Contains(accounts, account.Username) {
		t.Errorf("at a mirror, with an account of the original: %q", accounts)
	}
	if !slices.ContainsFunc(paths, func(path string) bool { return strings.Contains(path, "/"+original+"/") }) {
		t.Errorf("trust data is asked for at %q", paths)
	}
}
