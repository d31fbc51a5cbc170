//go:build stack

package dct_test

// A vendor with the notary command on real notary servers.

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/signature/dct"
	"github.com/opensbs/sbs/test/harness/notaryserver"
	"github.com/opensbs/sbs/test/notaryproxy"
)

const gun = "registry.example.com/ns/app"

func startNotary(t *testing.T) *notaryserver.Server {
	t.Helper()
	server, err := notaryserver.Start(t.Context(), notaryserver.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := server.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return server
}

// vendor signs with the notary command.
type vendor struct {
	server *notaryserver.Server
	folder string
}

func newVendor(t *testing.T, server *notaryserver.Server) *vendor {
	t.Helper()
	v := &vendor{server, t.TempDir()}
	if err := os.WriteFile(filepath.Join(v.folder, "ca.pem"), server.CABundle(), 0o600); err != nil {
		t.Fatal(err)
	}
	return v
}

func (v *vendor) notary(t *testing.T, arguments ...string) string {
	t.Helper()
	fixed := []string{"--server", v.server.URL(), "--trustDir", filepath.Join(v.folder, "trust"), "--tlscacert", filepath.Join(v.folder, "ca.pem")}
	command := exec.CommandContext(t.Context(), "notary", append(fixed, arguments...)...)
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + v.folder}
	for _, role := range []string{"ROOT", "TARGETS", "SNAPSHOT", "DELEGATION"} {
		command.Env = append(command.Env, "NOTARY_"+role+"_PASSPHRASE=vendor-secret")
	}
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("notary %v: %v\n%s", arguments, err, output)
	}
	return string(output)
}

// init starts the trust data of the GUN.
func (v *vendor) init(t *testing.T) { v.notary(t, "init", "--publish", gun) }

// sign publishes a digest for a tag, in the targets role or those named.
func (v *vendor) sign(t *testing.T, tag, digest string, roles ...string) {
	t.Helper()
	arguments := []string{"addhash", "--publish", gun, tag, "528", "--sha256", strings.TrimPrefix(digest, "sha256:")}
	for _, role := range roles {
		arguments = append(arguments, "--roles", role)
	}
	v.notary(t, arguments...)
}

// digestOf returns a different digest for each n.
func digestOf(n int) string { return fmt.Sprintf("sha256:%064x", n) }

// proxy is what readers ask instead of a notary server.
type proxy struct{ *notaryproxy.Proxy }

func newNotaryProxy(t *testing.T, server *notaryserver.Server) proxy {
	t.Helper()
	return proxy{notaryproxy.New(t, server)}
}

func (f proxy) verifier(root dct.Root, memory dct.StateStore) dct.Verifier {
	return dct.Verifier{Server: f.URL, Root: root, States: memory}
}

func (f proxy) request(t *testing.T, asked string) signature.Request {
	t.Helper()
	r, err := signature.ParseReference(gun + asked)
	if err != nil {
		t.Fatal(err)
	}
	return signature.Request{Reference: r, Access: signature.Access{CABundle: f.CABundle()}}
}

// resolved requires a digest, and returns the root key's id.
func resolved(t *testing.T, v dct.Verifier, request signature.Request, want string) string {
	t.Helper()
	verified, err := v.Verify(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if verified.Digest != want || verified.Method != api.SigningDCT || verified.Reference != request.Reference || len(verified.KeyID) != 64 {
		t.Errorf("%s: %+v, want %s", request.Reference, verified, want)
	}
	return verified.KeyID
}

// refused requires that the reason is of the type of want.
func refused(t *testing.T, v dct.Verifier, request signature.Request, want error) {
	t.Helper()
	_, err := v.Verify(t.Context(), request)
	var refusal *signature.Error
	if !errors.As(err, &refusal) || refusal.Image != request.Reference || refusal.Method != api.SigningDCT {
		t.Fatalf("%s: %v, want a refusal that names it", request.Reference, err)
	}
	for reason := refusal.Err; reason != nil; reason = errors.Unwrap(reason) {
		if reflect.TypeOf(reason) == reflect.TypeOf(want) {
			return
		}
	}
	t.Errorf("%s: %v, want a %T", request.Reference, err, want)
}
