package verify_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	modern "github.com/google/go-containerregistry/pkg/registry"

	"github.com/opensbs/sbs/client/verify"
)

// A registry that moves the tag to another signed image while it is looked at:
// every row is about the image that was found first, or fails.
func TestTagMovesDuringVerification(t *testing.T) {
	var moving atomic.Bool
	var asked atomic.Int32
	registry := modern.New(modern.WithReferrersSupport(true), modern.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if moving.Load() && strings.HasSuffix(r.URL.Path, "/manifests/latest") && asked.Add(1) > 1 {
			r.URL.Path = strings.TrimSuffix(r.URL.Path, "latest") + "other"
		}
		registry.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	w := newServer(t).build(t, strings.TrimPrefix(server.URL, "http://"), authn.AuthConfig{}, changes{})
	first, trusted := w.image, w.Trust
	w.image = w.push("other")
	w.sign(changes{})
	w.image, w.Trust = first, trusted

	moving.Store(true)
	report := w.run()
	if asked.Load() < 2 || report.Digest != first.Digest {
		t.Fatalf("asked %d times, found %s", asked.Load(), report.Digest)
	}
	for _, method := range []string{"simple", "sigstore", "sigstore-legacy"} {
		if got := outcomes(report)["signature "+method]; got != verify.Failed {
			t.Errorf("signature %s: %q\n%s", method, got, report.Text())
		}
	}
}
