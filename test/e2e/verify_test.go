//go:build stack

package e2e

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/client/verify"
	"github.com/opensbs/sbs/test/kit"
)

// auditor has the files that sbs-cli verify needs, and no client certificate of the
// server.
type auditor struct {
	env      *environment
	image    string // image repository
	built    kit.Result
	trust    string // the trust file
	manifest string
	lookup   string   // lookaside folder of the simple signatures
	account  []string // environment variables of the registry's account
}

// newAuditor builds an image that is signed with every method, and downloads the
// files for sbs-cli verify.
func (env *environment) newAuditor(t *testing.T, name string, content files) auditor {
	t.Helper()
	every := []string{api.SigningDCT, api.SigningSimple, api.SigningSigstore, api.SigningSigstoreLegacy}
	env.prepare(t, name, content, map[string]any{"IMAGE_SIGNING": every})
	a := auditor{env: env, image: env.ImageOf(name), built: env.MustBuild(t)}
	dir := t.TempDir()
	configuration := env.configFor(t, name)
	a.trust, a.lookup = filepath.Join(dir, "trust.json"), filepath.Join(dir, "lookaside")
	env.MustCLI(t, "get-trust --env "+configuration+" --output "+a.trust)
	env.MustCLI(t, "get-signatures --env "+configuration+" --output "+a.lookup)
	manifests, manifestName := env.saveManifest(t, a.built.BuildName)
	a.manifest = filepath.Join(manifests, manifestName+".sig.tbz")
	reader := env.Registry.Reader()
	a.account = []string{"SBS_DOCKER_RO_USER=" + reader.User, "SBS_DOCKER_RO_PASSWORD=" + reader.Password}
	return a
}

// configFor writes the configuration of a user for the build of a repository, and
// returns its path.
func (env *environment) configFor(t *testing.T, name string) string {
	t.Helper()
	var config map[string]any
	if err := json.Unmarshal([]byte(read(t, filepath.Join(env.Dir(), kit.ConfigName))), &config); err != nil {
		t.Fatal(err)
	}
	maps.Copy(config, map[string]any{
		"GITHUB_URL": env.URL(name + ".git"), "DOCKER_REPO": "sbs/" + name, "DOCKER_PUSH_SERVER": env.Gates.Registry.Address(),
		"DOCKER_CONTENT_TRUST_PUSH_SERVER": "https://" + env.Gates.Notary.Address(),
	})
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), kit.ConfigName)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// verify runs sbs-cli verify in an empty folder.
func (a auditor) verify(t *testing.T, image string, arguments ...string) (verify.Report, kit.Output) {
	t.Helper()
	if a.manifest != "" {
		arguments = append([]string{"--manifest", a.manifest}, arguments...)
	}
	arguments = append([]string{"verify", "--allow-simulated", "--json", "--trust", a.trust, "--lookaside", a.lookup}, arguments...)
	s := kit.Execute(t, t.TempDir(), a.account, "", a.env.Programs.ClientBinary, append(arguments, image)...)
	var report verify.Report
	if err := json.Unmarshal([]byte(s.Out), &report); err != nil && s.Code == 0 {
		t.Fatalf("%v: %+v", err, s)
	}
	return report, s
}

// checkFailed runs verify and checks which rows failed, with exit code 3: the
// verification failed.
func (a auditor) checkFailed(t *testing.T, want []string, arguments ...string) {
	t.Helper()
	a.checkFailedWith(t, 3, want, arguments...)
}

func (a auditor) checkFailedWith(t *testing.T, code int, want []string, arguments ...string) {
	t.Helper()
	report, s := a.verify(t, a.image+":latest", arguments...)
	var rows []string
	for _, row := range report.Checks {
		if row.Outcome == verify.Failed {
			rows = append(rows, row.Check)
		}
	}
	if s.Code != code || report.Outcome != verify.Failed || !slices.Equal(rows, want) || !strings.Contains(s.Err, "NOT VERIFIED") {
		t.Errorf("exit code %d, want %d, failed: %q, want %q\n%s\n%s", s.Code, code, rows, want, s.Err, report.Text())
	}
}

func TestVerify(t *testing.T) {
	env := shared
	content := maps.Clone(hello)
	content["folder/deep/file"] = "deep\n"
	content["link@"] = "folder"
	a := env.newAuditor(t, "verified", content)
	digest := env.record(t).ImageDigest
	t.Run("accepted", func(t *testing.T) {
		for _, image := range []string{a.image, a.image + ":" + a.built.ImageTag, a.image + ":latest@" + digest} {
			report, s := a.verify(t, image)
			if s.Code != 0 || report.Outcome != verify.Passed || report.Digest != digest || report.Enclave != "simulated" {
				t.Errorf("%s: exit code %d, %s\n%s", image, s.Code, s.Err, report.Text())
			}
			for _, row := range report.Checks {
				if row.Outcome != verify.Passed {
					t.Errorf("%s: %+v", image, row)
				}
			}
		}
	})
	t.Run("accounts", func(t *testing.T) { a.accounts(t) })
	t.Run("single keys", func(t *testing.T) { a.singleKeys(t) })
	t.Run("with the server", func(t *testing.T) {
		s := env.MustCLI(t, "verify --allow-simulated --env "+env.configFor(t, "verified")+" --trust "+a.trust+" "+a.image)
		if !strings.Contains(s.Out, "passed       commit: ") || !strings.Contains(s.Out, "SIMULATED") {
			t.Errorf("%s", s.Out)
		}
	})
	t.Run("tampered", func(t *testing.T) { a.tampered(t) })
}

// accounts checks that verify uses the registry account of the environment or of
// docker's configuration, and does not find the image without one.
func (a auditor) accounts(t *testing.T) {
	environment := a.account
	a.account = []string{"DOCKER_CONFIG=" + t.TempDir()}
	report, s := a.verify(t, a.image)
	if s.Code != 4 || len(report.Checks) == 0 || report.Checks[0].Outcome != verify.Failed {
		t.Errorf("without an account: %+v\n%s", s, report.Text())
	}
	a.account = a.env.DockerEnvironment(t)[:1]
	if report, s := a.verify(t, a.image); s.Code != 0 {
		t.Errorf("with docker's account: %s\n%s", s.Err, report.Text())
	}
	a.account = append(environment[:1:1], "SBS_DOCKER_RO_PASSWORD=not-the-password")
	report, s = a.verify(t, a.image)
	if s.Code != 4 || strings.Contains(s.Out+s.Err, "not-the-password") {
		t.Errorf("with a wrong password: %+v\n%s", s, report.Text())
	}
}

// singleKeys checks verify with single key files instead of a trust file. Without any
// key it refuses to run.
func (a auditor) singleKeys(t *testing.T) {
	dir := t.TempDir()
	verify := func(arguments ...string) kit.Output {
		return kit.Execute(t, dir, a.account, "", a.env.Programs.ClientBinary, append(append([]string{"verify", "--allow-simulated"}, arguments...), a.image)...)
	}
	if s := verify(); s.Code != 2 || !strings.Contains(s.Err, "no key was given") {
		t.Errorf("without keys: %+v", s)
	}
	for method, flags := range map[string][]string{
		api.SigningSimple:         {"--lookaside", a.lookup, "--simple-key"},
		api.SigningSigstore:       {"--sigstore-key"},
		api.SigningSigstoreLegacy: {"--sigstore-legacy-key"},
		api.SigningDCT:            {"--notary", a.env.Gates.Notary.Address(), "--notary-ca", a.ca(t), "--dct-key"},
	} {
		name, _, _ := strings.Cut(strings.TrimSpace(method), "-")
		a.env.MustCLI(t, "get-signed-image-publickey --method "+name+" --env "+a.env.configFor(t, "verified"))
		key := filepath.Join(dir, "key")
		if err := os.Rename(a.env.keyFile(a.image), key); err != nil {
			t.Fatal(err)
		}
		if s := verify(append(flags, key)...); s.Code != 0 || !strings.Contains(s.Out, "the trust file has no key for it") {
			t.Errorf("%s: %+v", method, s)
		}
	}
	a.env.MustCLI(t, "get-signed-image-publickey --method sigstore --env "+a.env.configFor(t, "verified"))
	if s := verify("--attestations-key", a.env.keyFile(a.image)); s.Code != 0 {
		t.Errorf("attestations: %+v", s)
	}
	pem := strings.TrimSuffix(a.manifest, ".sig.tbz") + "-public.pem"
	if s := verify("--manifest", a.manifest, "--manifest-key", pem); s.Code != 0 {
		t.Errorf("manifest: %+v", s)
	}
}

// ca writes the CA of the notary server to a file and returns its path.
func (a auditor) ca(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, a.env.Notary.CABundle(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
