package verify_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/opensbs/sbs/client/verify"
	"github.com/opensbs/sbs/signature"
)

// TestVerdicts: what could not be read or was not given is no verdict, unless
// something else is wrong as well. Every pair of troubles is tried.
func TestVerdicts(t *testing.T) {
	type trouble struct {
		judged bool
		make   func(*fixture)
	}
	troubles := map[string]trouble{
		"none":                   {true, func(*fixture) {}},
		"no manifest":            {false, func(w *fixture) { w.Manifest = "" }},
		"a manifest that is not": {false, func(w *fixture) { w.Manifest = filepath.Join(w.t.TempDir(), "manifest.x.sig.tbz") }},
		"a registry that is not": {false, func(w *fixture) { w.Reference.Repository, w.Trust.Repository = "127.0.0.1:1/a/b", "127.0.0.1:1/a/b" }},
		"no such tag":            {false, func(w *fixture) { w.Reference.Tag = "never" }},
		"a wrong password":       {false, func(w *fixture) { w.Access.Password = "wrong" }},
		"no account":             {false, func(w *fixture) { w.Access = signature.Access{} }},
		"a file that is no manifest": {true, func(w *fixture) {
			w.Manifest = filepath.Join(w.t.TempDir(), "manifest.x.sig.tbz")
			w.must(os.WriteFile(w.Manifest, []byte("BZh9"), 0o600))
		}},
		"no simple signature":  {true, func(w *fixture) { w.Lookaside = w.t.TempDir() }},
		"another source":       {true, func(w *fixture) { w.Trust.Source = "git@git.example.com:other.git" }},
		"another kind's owner": {true, func(w *fixture) { w.Trust.Builder = "https://builder.example.com" }},
	}
	s := newServer(t)
	address, account := withFallback(t)
	untouched := s.build(t, address, account, changes{})
	findsImage := map[string]bool{"a registry that is not": false, "no such tag": false, "a wrong password": false, "no account": false}
	for first, a := range troubles {
		for second, b := range troubles {
			w := *untouched
			w.t = t
			a.make(&w)
			b.make(&w)
			report := w.run()
			reached := func(name string, c trouble, other string) bool {
				_, unreached := findsImage[other]
				return c.judged && name != "none" && (!unreached || name == "a file that is no manifest")
			}
			want := first == "none" && second == "none" || reached(first, a, second) || reached(second, b, first)
			if first == "a file that is no manifest" && second != first && (second == "no manifest" || second == "a manifest that is not") {
				want = false // the second replaced the first
			}
			if report.Judged != want {
				t.Errorf("%s, %s: judged %v\n%s", first, second, report.Judged, report.Text())
			}
			var not *verify.NotVerifiedError
			if err := report.Err(); errors.As(err, &not) != (report.Outcome == verify.Failed) {
				t.Errorf("%s, %s: %v", first, second, err)
			}
		}
	}
}
