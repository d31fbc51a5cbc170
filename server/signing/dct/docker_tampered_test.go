//go:build stack

package dct

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opensbs/sbs/test/kit/memstore"
)

// forget makes docker see all trust data for the first time.
func (s *stack) forget(t *testing.T) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(s.config, "trust")); err != nil {
		t.Fatal(err)
	}
}

// A copy of the trust data with one character changed in it is refused.
func TestDockerRefusesTamperedTrustData(t *testing.T) {
	s := newStack(t)
	image := s.push(t, "v1")
	if _, err := New(memstore.New()).Sign(t.Context(), s.request(image), io.Discard); err != nil {
		t.Fatal(err)
	}
	for role, test := range map[string]struct{ mark, says string }{
		"root":      {`"sig":"`, "failed to validate integrity of roots"},
		"timestamp": {`"sig":"`, "insufficient signatures"},
		"snapshot":  {`"sig":"`, "checksum for snapshot did not match"},
		"targets":   {`"sha256":"`, "checksum for targets did not match"},
	} {
		t.Run(role, func(t *testing.T) {
			f := newNotaryProxy(t, s.notary)
			s.trustServer(t, f.URL, f.CABundle())
			s.forget(t)
			if output, err := s.dockerOn(t, f.URL, "trust", "inspect", image.Repository+":v1"); err != nil {
				t.Fatalf("before the change: %v\n%s", err, output)
			}
			f.SetHandler(f.tampered(role, test.mark))
			s.forget(t)
			output, err := s.dockerOn(t, f.URL, "pull", image.Repository+":v1")
			if err == nil || !strings.Contains(output, test.says) {
				t.Errorf("docker pulled (%v), or does not say why not:\n%s", err, output)
			}
		})
	}
}
