package verify_test

import (
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/opensbs/sbs/client/verify"
)

// run judges, and checks what must hold of every report.
func (w *world) run() verify.Report {
	w.t.Helper()
	report, err := verify.Run(w.t.Context(), w.Request)
	if err != nil {
		w.t.Fatal(err)
	}
	failed := false
	for _, row := range report.Checks {
		failed = failed || row.Outcome == verify.Failed
		if row.Found == "" || row.Proves == "" {
			w.t.Errorf("the row %q says nothing: %+v", row.Check, row)
		}
	}
	denied := report.Enclave != "contract" && !w.AllowSimulated
	if (failed || denied) != (report.Outcome == verify.Failed) {
		w.t.Errorf("the report is %s:\n%s", report.Outcome, report.Text())
	}
	if left, err := os.ReadDir(w.Scratch); err != nil || len(left) > 0 {
		w.t.Errorf("in the scratch folder are left %v, %v", left, err)
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

// untouched is what is not checked in a world where all is well: there is no
// notary server in it.
func untouched() map[string]string {
	return map[string]string{"signature dct": verify.NotChecked}
}

func TestAllIsWell(t *testing.T) {
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
