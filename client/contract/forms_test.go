package contract

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/opensbs/sbs/client/advice"
)

// loaded reads a contract.yaml in a folder with a compose file in compose/, whose
// service runs image.
func loaded(t *testing.T, contract, image string, platform Platform) (Document, error) {
	t.Helper()
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "compose"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"compose/docker-compose.yaml": "services:\n  app:\n    image: " + image + "\n",
		"contract.yaml":               contract,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Load(filepath.Join(folder, "contract.yaml"), platform)
}

const (
	fixedImage = "us.icr.io/namespace/app" + digest
	logRouter  = "  logging:\n    logRouter: {hostname: logs.example.com, iamApiKey: key}\n"
	plainEnv   = "env:\n  type: env\n" + logRouter
	plainPod   = "apiVersion: v1\nkind: Pod\nspec: {containers: [{name: main, image: \"{{ .Env.REGISTRY }}/a" + digest + "\"}]}"
)

// indented makes a text block of a section.
func indented(section string) string { return strings.ReplaceAll(section, "\n", "\n  ") }

// TestFormsOfIBMsSamples takes what IBM's own validator takes.
func TestFormsOfIBMsSamples(t *testing.T) {
	encrypted := made(t, HPVS, testKey(t))
	public, err := publicPEM(&testKey(t).PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	volumes := func(env string) string {
		return "workload:\n  compose: {archive: !archive compose}\n  volumes: {data: {seed: 0123456789-01234}}\n" + plainEnv + "  volumes:\n    data: " + env + "\n"
	}
	text := "env: |\n  type: env\n" + logRouter + "workload: |\n  type: workload\n  compose:\n    archive: !archive compose\n"
	for what, test := range map[string]struct {
		contract, image string
		platform        Platform
	}{
		"sections as text":            {text, fixedImage, CCRT},
		"a folded text":               {"workload: >\n  {type: workload,\n  compose: {archive: !archive compose}}\n" + plainEnv, fixedImage, CCRT},
		"an encrypted workload":       {"workload: " + encrypted.Workload + "\n" + plainEnv, fixedImage, HPVS},
		"an encrypted env":            {"workload:\n  compose: {archive: !archive compose}\nenv: |\n  " + encrypted.Env + "\n", fixedImage, HPVS},
		"resources":                   {"workload:\n  play:\n    resources:\n    - " + indented(indented(indented(plainPod))) + "\n    - {apiVersion: v1, kind: ConfigMap, data: {a: b}}\n" + plainEnv, fixedImage, CCRV},
		"templates":                   {"workload: |\n  type: workload\n  play:\n    templates:\n    - " + indented(indented(indented(plainPod))) + "\n" + plainEnv, fixedImage, CCRT},
		"confidential containers":     {"workload: |\n  type: workload\n  confidential-containers: {regoValidator: {policy: \"package a\"}}\nenv: |\n  type: env\n  confidential-containers: {a: 1}\n", fixedImage, CCCO},
		"a secret of the firmware":    {volumes("{uv-secret-id: index-1, uv-previous-secret-id: index-2, kmsTimeout: 20}"), fixedImage, CCRT},
		"a hardware security module":  {volumes("{seed: 0123456789-01234, grep11: {address: \"hsm:9876\", clientCert: YQ==, clientKey: YQ==, caCert: YQ==, metadata: {aesKeyBlob: YQ==, previousaesKeyBlob: \"***\"}}}"), fixedImage, CCRT},
		"an attestation key":          {text + "attestationPublicKey: " + base64.StdEncoding.EncodeToString([]byte(public)) + "\n", fixedImage, CCRT},
		"an encrypted key":            {text + "attestationPublicKey: " + encrypted.AttestationPublicKey + "\n", fixedImage, HPVS},
		"a tag, signed with dct":      {"workload:\n  compose: {archive: !archive compose}\n  images: {dct: {us.icr.io/namespace/app: {notary: \"https://n\", publicKey: YQ==}}}\n" + plainEnv, "us.icr.io/namespace/app:1.0", CCRT},
		"a tag, signed with simple":   {"workload:\n  compose: {archive: !archive compose}\n  images: {rhs: {\"us.icr.io/namespace/app:1.0\": {publicKey: YQ==}}}\n" + plainEnv, "us.icr.io/namespace/app:1.0", CCRT},
		"any tag, signed with simple": {"workload:\n  compose: {archive: !archive compose}\n  images: {rhs: {docker.io/namespace/app: {publicKey: YQ==}}}\n" + plainEnv, "namespace/app", CCRT},
		"an anchor":                   {"workload: |\n  type: workload\n  play:\n    resources:\n    - &pod " + indented(indented(indented("\n"+plainPod))) + "\n    - *pod\n" + plainEnv, fixedImage, CCRT},
	} {
		t.Run(what, func(t *testing.T) {
			d, err := loaded(t, test.contract, test.image, test.platform)
			if err != nil {
				t.Fatal(err)
			}
			s, err := d.Sections("", Signer{})
			if err != nil {
				t.Fatal(err)
			}
			for name, section := range map[string]string{"workload": s.Workload, "env": s.Env} {
				var content map[string]any
				if CheckToken(test.platform, section) != nil && (yaml.Load([]byte(section), &content) != nil || content["type"] != name) {
					t.Errorf("%s is\n%s", name, section)
				}
			}
			if _, err := s.Encrypt(test.platform, certificate(t, testKey(t))); err != nil {
				t.Error(err)
			}
		})
	}
}

// Sections that the program doesn't know reach the runtime unchanged, with their order
// and with values that YAML could interpret differently.
func TestUnknownSectionsAreUnchanged(t *testing.T) {
	const passed = "zebra: \"1e3\"\nant: 0777\nday: 2026-01-01\nyes: \"no\"\nlist: [b, a]\n"
	d, err := loaded(t, "workload:\n  confidential-containers:\n    "+strings.ReplaceAll(strings.TrimSpace(passed), "\n", "\n    ")+"\nenv:\n  host-attestation: &h {b: 1, a: \"2\"}\n  confidential-containers: *h\n", fixedImage, CCCO)
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.Sections("", Signer{})
	if err != nil {
		t.Fatal(err)
	}
	if want := "type: workload\nconfidential-containers:\n  " + strings.ReplaceAll(strings.TrimSpace(passed), "\n", "\n  ") + "\n"; s.Workload != want {
		t.Errorf("workload is\n%s\nwant\n%s", s.Workload, want)
	}
	if want := "type: env\nconfidential-containers: {b: 1, a: \"2\"}\nhost-attestation: {b: 1, a: \"2\"}\n"; s.Env != want {
		t.Errorf("env is\n%s\nwant\n%s", s.Env, want)
	}
}

// A form that is refused is named for what it is, by member and line.
func TestRefusedFormsAreNamed(t *testing.T) {
	encrypted := made(t, HPVS, testKey(t))
	text := "env: |\n  type: env\n" + logRouter + "workload: |\n  type: workload\n  compose:\n    archive: !archive compose\n"
	for what, test := range map[string]struct{ contract, image, says string }{
		"a misspelled member in a text": {strings.Replace(text, "archive: !", "archiv: !", 1), fixedImage, "line 8: there is no workload.compose.archiv: workload.compose takes archive"},
		"logDNA":                        {strings.Replace(text, "logRouter: {hostname", "logDNA: {hostname", 1), fixedImage, "line 4: there is no env.logging.logDNA: env.logging takes logRouter, syslog"},
		"a member given twice":          {text + "  type: workload\n", fixedImage, "line 9: workload.type is given twice"},
		"a text that is no YAML":        {"workload: |\n  compose: [s3cret\n" + plainEnv, fixedImage, "workload, which is a text: line"},
		"a text that is no section":     {"workload: s3cret\n" + plainEnv, fixedImage, "line 1: workload is a text that holds neither"},
		"a damaged encrypted section":   {"workload: " + encrypted.Workload[:len(encrypted.Workload)-5] + "\n" + plainEnv, fixedImage, "line 1: workload: not an encrypted section"},
		"a section for another runtime": {"workload: " + strings.Replace(encrypted.Workload, "hyper-protect-basic", "contract-basic", 1) + "\n" + plainEnv, fixedImage, "workload: the section begins with contract-basic"},
		"a list for a mapping":          {"workload: [s3cret]\n" + plainEnv, fixedImage, "line 1: workload is a list: it takes a mapping"},
		"a text for a number":           {strings.Replace(text, "iamApiKey: key", "iamApiKey: key, port: s3cret", 1), fixedImage, "line 4: env.logging.logRouter.port is a text or a number: it takes a whole number"},
		"a mapping for a text":          {strings.Replace(text, "hostname: logs.example.com", "hostname: {a: s3cret}", 1), fixedImage, "env.logging.logRouter.hostname is a mapping: it takes a text"},
		"an unknown section":            {text + "works: {a: s3cret}\n", fixedImage, "there is no works: the contract takes attestationPublicKey, env, workload"},
		"a tag of another image":        {strings.Replace(text, "  compose:", "  images: {dct: {us.icr.io/namespace/other: {notary: a, publicKey: YQ==}}}\n  compose:", 1), "us.icr.io/namespace/app:1.0", "neither named by its digest"},
		"another tag":                   {strings.Replace(text, "  compose:", "  images: {rhs: {\"us.icr.io/namespace/app:2.0\": {publicKey: YQ==}}}\n  compose:", 1), "us.icr.io/namespace/app:1.0", "neither named by its digest"},
		"a tag as a variable":           {strings.Replace(text, "  compose:", "  images: {dct: {us.icr.io/namespace/app: {notary: a, publicKey: YQ==}}}\n  compose:", 1), "\"${IMAGE}\"", "neither named by its digest"},
		"an image that a template sets": {"workload:\n  play: {templates: [{kind: Pod, spec: {containers: [{name: main, image: \"{{ .Env.IMAGE }}\"}]}}]}\n" + plainEnv, fixedImage, "workload.play.templates[0]: container main: the image is neither"},
		"a deployment":                  {"workload:\n  play: {resources: [{kind: Deployment}]}\n" + plainEnv, fixedImage, "workload.play.resources[0]: a contract takes Pod and ConfigMap only"},
		"an empty play":                 {"workload:\n  play: {}\n" + plainEnv, fixedImage, "an archive, resources or templates"},
		"no logging":                    {"workload:\n  compose: {archive: !archive compose}\nenv: {type: env}\n", fixedImage, "env.logging"},
		"two kinds of seed":             {"workload:\n  compose: {archive: !archive compose}\n  volumes: {data: {seed: 0123456789-01234}}\n" + plainEnv + "  volumes: {data: {seed: 0123456789-01234, uv-secret-id: index-1}}\n", fixedImage, "env.volumes.data: it has a seed or an uv-secret-id"},
		"another index":                 {"workload:\n  compose: {archive: !archive compose}\n  volumes: {data: {seed: 0123456789-01234}}\n" + plainEnv + "  volumes: {data: {uv-secret-id: index-9}}\n", fixedImage, "env.volumes.data.uv-secret-id"},
		"an endless alias":              {"workload:\n  confidential-containers: &a {b: [*a, *a]}\n" + plainEnv, fixedImage, ""},
	} {
		t.Run(what, func(t *testing.T) {
			_, err := loaded(t, test.contract, test.image, HPVS)
			if err == nil || !strings.Contains(err.Error(), test.says) || advice.Next(err) == "" {
				t.Fatalf("got %v, want %q in it", err, test.says)
			}
			if strings.Contains(err.Error(), "s3cret") || what != "a text that is no YAML" && strings.Contains(err.Error(), "not YAML") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestSigningCertificates(t *testing.T) {
	key := testKey(t)
	good := certificatePEM(t, key, now.AddDate(0, 1, 0))
	certificate, err := ParseSigningCertificate(good, key, now)
	if err != nil {
		t.Fatal(err)
	}
	d, err := loaded(t, "workload:\n  compose: {archive: !archive compose}\n"+plainEnv, fixedImage, CCRT)
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.Sections("", Signer{Key: key, Certificate: certificate})
	if err != nil {
		t.Fatal(err)
	}
	var env Env
	if err := yaml.Load([]byte(s.Env), &env); err != nil || env.SigningKey != string(good) {
		t.Errorf("env.signingKey is %q, %v", env.SigningKey, err)
	}
	for what, test := range map[string]struct {
		text []byte
		at   time.Time
		says string
	}{
		"of another key": {certificatePEM(t, otherKey(t), now.AddDate(0, 1, 0)), now, "not of the signing key"},
		"expired":        {good, now.AddDate(0, 2, 0), "it expired on"},
		"not yet valid":  {good, now.AddDate(0, 0, -2), "it begins on"},
		"no PEM":         {[]byte("x"), now, "no PEM block CERTIFICATE"},
		"two":            {append(append([]byte{}, good...), good...), now, "holds 2 certificates"},
	} {
		if _, err := ParseSigningCertificate(test.text, key, test.at); err == nil || !strings.Contains(err.Error(), test.says) || advice.Next(err) == "" {
			t.Errorf("%s: %v", what, err)
		}
	}
}
