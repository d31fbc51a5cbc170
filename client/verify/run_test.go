package verify_test

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/client/verify"
)

// run verifies, and checks what must hold of every report.
func (w *fixture) run() verify.Report {
	w.t.Helper()
	report, err := verify.Run(w.t.Context(), w.Request)
	if err != nil {
		w.t.Fatal(err)
	}
	failed := false
	for _, row := range report.Checks {
		failed = failed || row.Outcome == verify.Failed
		if row.Found == "" || row.Proves == "" {
			w.t.Errorf("the row %q has no text: %+v", row.Check, row)
		}
	}
	denied := report.Enclave != "contract" && !w.AllowSimulated
	if (failed || denied) != (report.Outcome == verify.Failed) {
		w.t.Errorf("the report is %s:\n%s", report.Outcome, report.Text())
	}
	if left, err := filepath.Glob(filepath.Join(os.TempDir(), "sbs-verify-*")); err != nil || len(left) > 0 {
		w.t.Errorf("scratch folders remain: %v, %v", left, err)
	}
	return report
}

// outcomes are those that are not Passed, by row.
func outcomes(report verify.Report) map[string]string {
	found := map[string]string{}
	for _, row := range report.Checks {
		if row.Outcome != verify.Passed {
			found[row.Check] = row.Outcome
		}
	}
	return found
}

// untouched is what is not checked of an untouched fixture: it has no
// notary server.
func untouched() map[string]string {
	return map[string]string{"signature dct": verify.NotChecked}
}

// All checks of a build that nobody tampered with pass.
func TestVerifiedBuild(t *testing.T) {
	s := newServer(t)
	for name, start := range map[string]func(*testing.T) (string, authn.AuthConfig){
		"with a referrers API":           withReferrers,
		"private, with the fallback tag": withFallback,
	} {
		t.Run(name, func(t *testing.T) {
			address, account := start(t)
			w := s.build(t, address, account, changes{})
			for _, tag := range []string{"latest", "v1-0a0a0a0"} {
				w.Reference.Tag = tag
				report := w.run()
				if got := outcomes(report); !maps.Equal(got, untouched()) {
					t.Errorf("%v:\n%s", got, report.Text())
				}
				if report.Digest != w.image.Digest || report.Enclave != "contract" {
					t.Errorf("digest %s of %q", report.Digest, report.Enclave)
				}
			}
			w.Reference.Tag, w.Reference.Digest = "", w.image.Digest
			if got := outcomes(w.run()); got["tag"] != verify.NotChecked || len(got) != 2 {
				t.Errorf("asked by digest: %v", got)
			}
			if account.Username == "" {
				return
			}
			w.Access.Password = "wrong"
			report := w.run()
			if got := outcomes(report); got["image"] != verify.Failed || strings.Contains(report.Text(), "wrong") {
				t.Errorf("with a wrong password: %s", report.Text())
			}
		})
	}
}

// fakeServer has a manifest and simple signatures, as package client returns them.
type fakeServer struct {
	manifest, lookaside string // "": none
	asked               []string
}

func (s *fakeServer) SaveManifest(_ context.Context, buildName, folder string) (name, path string, err error) {
	s.asked = append(s.asked, "manifest of "+buildName)
	text, err := os.ReadFile(s.manifest)
	if err != nil {
		return "", "", err
	}
	path = filepath.Join(folder, filepath.Base(s.manifest))
	return "", path, os.WriteFile(path, text, 0o600)
}

func (s *fakeServer) ImageConfig(context.Context) (api.ImageConfig, error) {
	s.asked = append(s.asked, "configuration")
	return api.ImageConfig{Lookaside: s.lookaside}, nil
}

func (s *fakeServer) SaveSignatures(_ context.Context, folder string) ([]string, error) {
	s.asked = append(s.asked, "signatures")
	return nil, os.CopyFS(folder, os.DirFS(s.lookaside))
}

// What the request names no source for comes from the server, and nothing else does.
func TestServer(t *testing.T) {
	address, account := withReferrers(t)
	whole := newServer(t).build(t, address, account, changes{})
	for name, test := range map[string]struct {
		change func(*fixture)
		server *fakeServer
		asked  []string
		err    error
	}{
		"both are missing": {
			func(w *fixture) { w.Manifest, w.Lookaside = "", "" },
			&fakeServer{manifest: whole.Manifest, lookaside: whole.Lookaside}, []string{"manifest of a", "configuration", "signatures"}, nil},
		"the registry has the signatures": {
			func(w *fixture) {
				w.Manifest, w.Lookaside, w.Trust.Signatures = "", "", withoutSimple(w.Trust.Signatures)
			},
			&fakeServer{manifest: whole.Manifest}, []string{"manifest of a"}, nil},
		"both are named":   {func(*fixture) {}, &fakeServer{}, nil, nil},
		"no key, no fetch": {func(w *fixture) { w.Manifest, w.Trust.Manifest = "", nil }, &fakeServer{}, nil, nil},
		"the server has none": {
			func(w *fixture) { w.Manifest = "" }, &fakeServer{manifest: "missing"}, []string{"manifest of a"}, fs.ErrNotExist},
	} {
		t.Run(name, func(t *testing.T) {
			w := *whole
			w.t, w.BuildName = t, "a"
			test.change(&w)
			w.Server = test.server
			if test.err != nil {
				if _, err := verify.Run(t.Context(), w.Request); !errors.Is(err, test.err) {
					t.Errorf("error %v, want %v", err, test.err)
				}
			} else if report := w.run(); report.Outcome != verify.Passed {
				t.Errorf("not verified:\n%s", report.Text())
			}
			if !slices.Equal(test.server.asked, test.asked) {
				t.Errorf("asked for %q, want %q", test.server.asked, test.asked)
			}
		})
	}
}

func withoutSimple(keys []verify.Key) []verify.Key {
	return slices.DeleteFunc(slices.Clone(keys), func(k verify.Key) bool { return k.Method == api.SigningSimple })
}
