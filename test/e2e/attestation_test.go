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
	"github.com/opensbs/sbs/test/kit"
)

// The stack's enclave is simulated, and the attestation contains that: attest
// accepts it only with --require simulated. The attested keys are those of the
// latest build.
func TestSimulatedEnclaveIsAttested(t *testing.T) {
	env := shared
	env.prepare(t, "attested", hello, nil)
	env.MustBuild(t)
	refused := kit.Execute(t, env.Dir(), nil, "", env.Programs.ClientBinary, "attest", "--env", "sbs-config.json")
	if refused.Code != 3 || !strings.Contains(refused.Err, "the enclave is simulated") {
		t.Errorf("exit code %d: %s", refused.Code, refused.Err)
	}
	passed := env.MustCLI(t, "attest --require simulated --env sbs-config.json --json")
	key, err := env.Client.PublicKey(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if want := attestation.DigestOf([]byte(key.PublicKeyPEM)).String(); !strings.Contains(passed.Out, want) || !strings.Contains(passed.Out, `"accepted": true`) {
		t.Errorf("no manifest key %s in %s", want, passed.Out)
	}
}

// An operator sees a build in the metrics, and the server's health without a
// certificate.
func TestMetricsAndHealth(t *testing.T) {
	port, err := loopback.FreePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	address := net.JoinHostPort("127.0.0.1", port)
	with := programs
	with.ServerEnvironment = []string{"SBS_HEALTH_LISTEN=" + address}
	env := freshWith(t, with)
	kit.MustExecute(t, "", []string{"SBS_HEALTH_LISTEN=" + address}, "", env.Programs.ServerBinary, "health")
	env.prepare(t, "signals", hello, nil)
	env.MustBuild(t)
	env.prepare(t, "broken", files{"Dockerfile": "FROM scratch\nCOPY missing /\n"}, nil)
	env.Build(t)
	// The metrics count the end of a build asynchronously.
	kit.Eventually(t, "both builds are counted", func() bool {
		text := env.Request(t, http.MethodGet, "/metrics", "").Text
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

	ctx, cancel := context.WithTimeout(t.Context(), kit.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+address+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	if response, err := http.DefaultClient.Do(request); err == nil {
		response.Body.Close()
		t.Errorf("the health port serves TLS: %s", response.Status)
	}
	if err := env.Server.Kill(); err != nil {
		t.Fatal(err)
	}
	if s := kit.Execute(t, "", []string{"SBS_HEALTH_LISTEN=" + address}, "", env.Programs.ServerBinary, "health"); s.Code != 1 {
		t.Errorf("a server that was killed is healthy: %d", s.Code)
	}
}
