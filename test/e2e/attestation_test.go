//go:build stack

package e2e

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api/attestation"
	"github.com/opensbs/sbs/test/harness/loopback"
)

// The stack's enclave is simulated, and the server says so to whoever asks: it
// passes only where that was demanded. The keys are those of the latest build.
func TestSimulatedEnclaveIsAttested(t *testing.T) {
	env := shared
	env.prepare(t, "attested", hello, nil)
	env.succeed(t)
	refused := run(t, env.Dir(), nil, "", env.programs.ClientBinary, "attest", "--env", "sbs-config.json")
	if refused.code != 3 || !strings.Contains(refused.err, "the enclave is simulated") {
		t.Errorf("exit code %d: %s", refused.code, refused.err)
	}
	passed := env.guide(t, "attest --require simulated --env sbs-config.json --json")
	key, err := env.client.PublicKey(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if want := attestation.DigestOf([]byte(key.PublicKeyPEM)).String(); !strings.Contains(passed.out, want) || !strings.Contains(passed.out, `"accepted": true`) {
		t.Errorf("no manifest key %s in %s", want, passed.out)
	}
}

// An operator sees a build in the metrics, and the server's health without a
// certificate.
func TestSignals(t *testing.T) {
	port, err := loopback.FreePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	address := net.JoinHostPort("127.0.0.1", port)
	with := programs
	with.ServerEnvironment = []string{"SBS_HEALTH_LISTEN=" + address}
	env, err := startEnvironment(t.Context(), t.TempDir(), with)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := env.close(); err != nil {
			t.Error(err)
		}
	})
	must(t, "", []string{"SBS_HEALTH_LISTEN=" + address}, "", env.programs.ServerBinary, "health")
	env.prepare(t, "signals", hello, nil)
	env.succeed(t)
	env.prepare(t, "broken", files{"Dockerfile": "FROM scratch\nCOPY missing /\n"}, nil)
	env.build(t)
	// The build's end is counted by one who watches, a moment later.
	eventually(t, "both builds are counted", func() bool {
		text := env.request(t, http.MethodGet, "/metrics", "").text
		for _, line := range []string{
			`sbs_builds_total{result="success"} 1`, `sbs_builds_total{result="failure"} 1`, `sbs_builds_running 0`,
			`sbs_build_step_seconds_count{step="github cloned"} 2`, `sbs_build_step_seconds_count{step="success"} 1`,
		} {
			if !strings.Contains(text, line+"\n") {
				return false
			}
		}
		return !strings.Contains(text, "signals") && !strings.Contains(text, env.Registry.Writer().Password)
	})

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+address+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	if response, err := http.DefaultClient.Do(request); err == nil {
		response.Body.Close()
		t.Errorf("the health port speaks TLS: %s", response.Status)
	}
	if err := env.Server.Kill(); err != nil {
		t.Fatal(err)
	}
	if s := run(t, "", []string{"SBS_HEALTH_LISTEN=" + address}, "", env.programs.ServerBinary, "health"); s.code != 1 {
		t.Errorf("a server that was killed is healthy: %d", s.code)
	}
}
