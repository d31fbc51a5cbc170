package contract

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/opensbs/sbs/client/advice"
)

// changed is the folder of the example, with one piece of its contract.yaml
// replaced.
func changed(t *testing.T, from, to string) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS("testdata/example")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "contract.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), from) {
		t.Fatalf("%q is not in the example", from)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), from, to, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const (
	crn        = "crn:v1:bluemix:public:hs-crypto:us-south:a/1:2:key:3"
	inWorkload = "workload:\n"
	inEnv      = "env:\n  logging:\n"
	workSeed   = "!file workload-seed"
	syslog     = "    syslog:\n      hostname: logs.example.com\n      port: 6514\n      server: !file logs-ca.pem\n"
)

func TestLoadRefuses(t *testing.T) {
	for what, test := range map[string]struct{ from, to, says string }{
		"a misspelled name":      {"  compose:", "  compos:", "line 6"},
		"a name given twice":     {inEnv, "env:\n  type: env\n  type: env\n  logging:\n", "line 16"},
		"a value of wrong kind":  {"port: 6514", "port: s3cret-s3cret", "line 18"},
		"a port beyond":          {"port: 6514", "port: 65536", "line 18"},
		"two documents":          {"env:\n  logging:", "---\nenv:\n  logging:", "single YAML document"},
		"wrong type":             {inWorkload, "workload:\n  type: env\n", "workload.type"},
		"wrong type of env":      {inEnv, "env:\n  type: workload\n  logging:\n", "env.type"},
		"an unknown tag":         {workSeed, "!secret workload-seed", "line 12: !secret: there are"},
		"a tag on a mapping":     {"auths:\n", "auths: !file\n", "needs the path"},
		"no file":                {workSeed, "!file nowhere", "line 12: !file: open"},
		"binary text":            {workSeed, "!file binary", "use !base64"},
		"an included reference":  {"!yaml values.yaml", "!yaml contract.yaml", "is accepted in contract.yaml only"},
		"an included list":       {"!yaml values.yaml", "!yaml password", "line 13"},
		"a linked archive":       {"!archive compose", "!archive linked", "neither a folder nor a regular file"},
		"archive of no folder":   {"!archive compose", "!archive password", "!archive"},
		"an archive in clear":    {"!archive compose", "!file compose/docker-compose.yaml", "workload.compose.archive"},
		"compose and play":       {"  compose:\n", "  play:\n    archive: !archive compose\n  compose:\n", "exactly one of compose and play"},
		"neither":                {"  compose:\n    archive: !archive compose\n", "", "exactly one of compose and play"},
		"no registry":            {"    registry.example.com:", "    https://registry.example.com:", "is no registry"},
		"a short password":       {"!file password", "ab", "three characters"},
		"a short seed":           {workSeed, "s3cret-s3cret-", "workload.volumes.sbs.seed: a seed has 15"},
		"a seed with a space":    {workSeed, "s3cret s3cret s3cret", "workload.volumes.sbs.seed"},
		"a seed with a letter ü": {workSeed, "s3cret-s3cret-ü-s3cret", "workload.volumes.sbs.seed"},
		"no seed":                {"      seed: " + workSeed + "\n", "", "workload.volumes.sbs.seed"},
		"no seed of env":         {"      seed: !file env-seed\n", "      previousSeed: !file env-seed\n", "env.volumes.sbs.seed"},
		"a short previous seed":  {"!file env-seed", "!file env-seed\n      previousSeed: s3cret", "env.volumes.sbs.previousSeed"},
		"a relative mount":       {"mount: /mnt/data", "mount: mnt/data", "workload.volumes.sbs.mount"},
		"another file system":    {"mount: /mnt/data", "filesystem: ntfs", "workload.volumes.sbs.filesystem"},
		"a name of a volume":     {"  volumes:\n    sbs:", "  volumes:\n    Sbs:", "workload.volumes"},
		"a volume of one":        {"  volumes:\n    sbs:", "  volumes:\n    other:", "a seed in both sections"},
		"a variable's name":      {"!yaml values.yaml", "{\"A B\": s3cret}", "workload.env"},
		"a variable of env":      {"!yaml instance-env.yaml", "{1A: s3cret}", "env.env"},
		"no logging":             {"  logging:\n" + syslog, "", "env.logging"},
		"two loggings":           {syslog, syslog + "    logRouter: {hostname: a, iamApiKey: s3cret}\n", "env.logging"},
		"a log without a host":   {"hostname: logs.example.com", "hostname: https://logs", "env.logging.syslog"},
		"a key without its cert": {"port: 6514", "key: s3cret", "cert and key"},
		"no PEM":                 {"!file logs-ca.pem", "s3cret", "env.logging.syslog.server"},
		"no key of logRouter":    {syslog, "    logRouter: {hostname: a}\n", "env.logging.logRouter"},
		"a signing key":          {inEnv, "env:\n  signingKey: s3cret\n  logging:\n", "--signing-key"},
		"no attestation key":     {"!file attestation.pem", "!file logs-ca.pem", "attestationPublicKey"},
		"a short API key":        {"!file env-seed", "!file env-seed\n      apiKey: s3cret", "env.volumes.sbs.apiKey"},
		"no root key":            {"!file env-seed", "!file env-seed\n      kms: [{crn: \"crn:v1\", apiKey: s3cret-s3cret}]", "env.volumes.sbs.kms"},
		"a kind of root key":     {"!file env-seed", "!file env-seed\n      kms: [{crn: \"" + crn + "\", apiKey: s3cret-s3cret, type: local}]", "env.volumes.sbs.kms"},
		"a short image name":     {"!yaml images.yaml", "{images: {rhs: {app: {publicKey: YQ==}}}}", "workload.images.rhs"},
		"a dct name with a tag":  {"!yaml images.yaml", "{images: {dct: {us.icr.io/namespace/app:v1: {notary: a, publicKey: YQ==}}}}", "workload.images.dct"},
	} {
		t.Run(what, func(t *testing.T) {
			path := changed(t, test.from, test.to)
			for name, content := range map[string]string{"binary": "\xff", "linked/docker-compose.yaml": composeFile} {
				file := filepath.Join(filepath.Dir(path), name)
				if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Symlink("/etc/passwd", filepath.Join(filepath.Dir(path), "linked", "link")); err != nil {
				t.Fatal(err)
			}
			_, err := Load(path, CCRT)
			if err == nil || !strings.Contains(err.Error(), test.says) || advice.Next(err) == "" {
				t.Fatalf("got %v, want %q; advice %q", err, test.says, advice.Next(err))
			}
			for _, secret := range []string{"s3cret", "registry-password", "seed-0123", "aW1hZ2Ugc2VjcmV0"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("a value is in the error: %v", err)
				}
			}
		})
	}
}

func TestLoadAccepts(t *testing.T) {
	play := "  play:\n    archive: !archive pods\n"
	for what, test := range map[string]struct {
		from, to string
		platform Platform
	}{
		"the example":          {"", "", HPVS},
		"logRouter":            {syslog, "    logRouter:\n      hostname: ingress.logs.example.com\n      iamApiKey: key\n", CCRT},
		"base64 of the CA":     {"server: !file", "server: !base64", CCRT},
		"a key of the client":  {"      port: 6514\n", "      cert: !file logs-ca.pem\n      key: !file " + absolute(t, "testdata/key.pem") + "\n", CCCO},
		"an absolute path":     {"!file env-seed", "!file " + absolute(t, "testdata/example/env-seed"), CCRT},
		"every rune of a seed": {workSeed, `'azAZ09!@#$%^&*(),.?":{}|<>_-'`, CCRT},
		"a shortest seed":      {workSeed, "123456789-12345", CCRT},
		"rolled seeds":         {"!file env-seed", "!file env-seed\n      previousSeed: !file workload-seed", CCRT},
		"a root key":           {"!file env-seed", "!file env-seed\n      apiKey: 0123456789\n      volumeName: sbs\n      kms: [{crn: \"" + crn + "\", apiKey: \"0123456789\", type: private}]\n      kmsTimeout: 10", CCRT},
		"pods":                 {"  compose:\n    archive: !archive compose\n", play, CCRV},
		"Docker Hub":           {"registry.example.com:", "https://index.docker.io/v1/:", CCRT},
	} {
		t.Run(what, func(t *testing.T) {
			path := changed(t, test.from, test.to)
			pods := filepath.Join(filepath.Dir(path), "pods")
			if err := os.Mkdir(pods, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(pods, "a.yaml"), []byte("kind: Pod\nspec:\n  containers:\n    - image: a"+digest+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := Load(path, test.platform); err != nil {
				t.Error(err)
			}
		})
	}
	if _, err := Load("testdata/example/contract.yaml", CCRV); err == nil || !strings.Contains(advice.Next(err), "pod") {
		t.Errorf("%s took a compose file: %v", CCRV, err)
	}
}

// FuzzSeeds checks that a seed that is taken reaches the runtime as it is.
func FuzzSeeds(f *testing.F) {
	f.Add("workload-seed-0123")
	f.Add(`"azAZ09!@#$%^&*(),.?":{}|<>_-`)
	f.Add("1234567890123456")
	f.Fuzz(func(t *testing.T, seed string) {
		if checkSeeds("volume", seed, "") != nil {
			return
		}
		const allowed = `abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!@#$%^&*(),.?":{}|<>_-`
		if len(seed) < 15 || strings.Trim(seed, allowed) != "" {
			t.Fatalf("%q was accepted", seed)
		}
		text, err := dump(EnvVolume{Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		var read map[string]string
		if err := yaml.Load([]byte(text), &read); err != nil || read["seed"] != seed {
			t.Errorf("%q became %q, %v", seed, read["seed"], err)
		}
	})
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestParsePlatform(t *testing.T) {
	for _, name := range []string{"", "HPVS", "vpc"} {
		if p, err := ParsePlatform(name); err == nil || advice.Next(err) == "" {
			t.Errorf("%q is %q", name, p)
		}
	}
}
