package config

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/client/advice"
)

// body is the minimum that the server takes, with extra JSON members.
func body(t *testing.T, extra string) string {
	t.Helper()
	secret, err := NewSecret()
	if err != nil {
		t.Fatal(err)
	}
	return `{"GITHUB_URL": "git@github.com:o/r.git", "docker_repo": "ns/name", "DOCKER_USER": "u", "DOCKER_PASSWORD": "pw",
		"SECRET": "` + secret + `", "HOSTNAME": "h", "RUNTIME_TYPE": "vpc"` + extra + `}`
}

func sent(t *testing.T, c *Config, newSecret string) map[string]any {
	t.Helper()
	data, err := c.Parameters(newSecret)
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]any
	if err := json.Unmarshal(data, &values); err != nil {
		t.Fatal(err)
	}
	return values
}

func writeFile(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func sshKey(t *testing.T, passphrase string) []byte {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "test")
	if passphrase != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, "test", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(block)
}

func TestParametersSendsCapitalsAndNoSettings(t *testing.T) {
	got := sent(t, load(t, body(t, `, "IMAGE_TAG": "1.3.0.13", "Arg": {"P": 1}, "GITHUB_BRANCH": "", "note": "x", "NEW_SECRET": "x"`), nil), "")
	for key, want := range map[string]any{
		"DOCKER_REPO": "ns/name", "BUILD_IMAGE_TAG": "1.3.0.13", "GITHUB_KEY": "", "BASE_REPO_PUBLIC_KEY": "", "RUNTIME_TYPE": "vpc",
	} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
	if args, ok := got["ARG"].(map[string]any); !ok || args["P"] != 1.0 {
		t.Errorf("ARG is %v", got["ARG"])
	}
	for _, key := range []string{"HOSTNAME", "IMAGE_TAG", "note", "NOTE", "GITHUB_BRANCH", "NEW_SECRET", "docker_repo"} {
		if value, ok := got[key]; ok {
			t.Errorf("%s was sent: %v", key, value)
		}
	}
}

func TestParametersReadsFiles(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	key := sshKey(t, "")
	if err := os.WriteFile(filepath.Join(home, "id"), key, 0o600); err != nil {
		t.Fatal(err)
	}
	hosts := writeFile(t, []byte("git.example.com ssh-ed25519 AAAA\n"))
	base, sigstore := writeFile(t, []byte("a public key")), writeFile(t, []byte(sigstoreKey))
	got := sent(t, load(t, body(t, `, "GITHUB_KEY_FILE": "~/id", "GITHUB_KNOWN_HOSTS_FILE": "`+hosts+`", "ICR_BASE_REPO": "a.b/c", "ICR_BASE_REPO_PUBLIC_KEY": "`+base+`", "BASE_IMAGE_SIGSTORE_KEY_FILE": "`+sigstore+`"`), nil), "")
	if got["GITHUB_KEY"] != string(key) || got["GITHUB_KNOWN_HOSTS"] != "git.example.com ssh-ed25519 AAAA\n" || got["BASE_REPO_PUBLIC_KEY"] != "a public key" || strings.TrimSpace(got["BASE_IMAGE_SIGSTORE_KEY"].(string)) != strings.TrimSpace(sigstoreKey) {
		t.Errorf("got %v", got)
	}
	if _, ok := got["ICR_BASE_REPO_PUBLIC_KEY"]; ok {
		t.Error("a path of this machine was sent")
	}
}

func TestParametersReadsThePolicysKeys(t *testing.T) {
	key := writeFile(t, []byte("a public\nkey"))
	rules := `{"image": "a.b/c", "method": "simple", "key_file": "` + key + `"}, {"image": "**", "method": "sigstore", "key": "its text"}`
	got := sent(t, load(t, body(t, `, "Base_Image_Policy": [`+rules+`]`), nil), "")
	policy, _ := got["BASE_IMAGE_POLICY"].([]any)
	if len(policy) != 2 {
		t.Fatalf("sent %v", got["BASE_IMAGE_POLICY"])
	}
	first, second := policy[0].(map[string]any), policy[1].(map[string]any)
	if first["key"] != "a public\nkey" || first["key_file"] != nil || first["method"] != "simple" || second["key"] != "its text" {
		t.Errorf("sent %v", policy)
	}
	for name, rule := range map[string]string{
		"both given":  `{"image": "**", "method": "simple", "key": "x", "key_file": "` + key + `"}`,
		"no such":     `{"image": "**", "method": "simple", "key_file": "/no/such"}`,
		"it is empty": `{"image": "**", "method": "simple", "key_file": ""}`,
		"unknown":     `{"image": "**", "method": "simple", "keyfile": "x"}`,
	} {
		_, err := load(t, body(t, `, "BASE_IMAGE_POLICY": [`+rule+`]`), nil).Parameters("")
		if err == nil || !strings.Contains(err.Error(), "BASE_IMAGE_POLICY") || !strings.Contains(err.Error(), name) || advice.Next(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParametersReadsTheKeysOfCredentials(t *testing.T) {
	key := sshKey(t, "")
	file := writeFile(t, key)
	got := sent(t, load(t, body(t, `, "github_credentials": [{"url": "git@h:x", "key_file": "`+file+`"}, {"url": "https://h", "token": "tok"}]`), nil), "")
	list, _ := got["GITHUB_CREDENTIALS"].([]any)
	if len(list) != 2 {
		t.Fatalf("sent %v", got["GITHUB_CREDENTIALS"])
	}
	first, second := list[0].(map[string]any), list[1].(map[string]any)
	if first["key"] != string(key) || first["key_file"] != nil || first["url"] != "git@h:x" || second["token"] != "tok" {
		t.Errorf("sent %v", list)
	}
	for name, entry := range map[string]string{
		"entry [1]: key_file and key are both given": `{"url": "git@h:y", "key": "x", "key_file": "` + file + `"}`,
		"entry [1]: key_file: open":                  `{"url": "git@h:y", "key_file": "/no/such"}`,
		"entry [1] has a passphrase":                 `{"url": "git@h:y", "key_file": "` + writeFile(t, sshKey(t, "geheim")) + `"}`,
		"entry [1] holds no SSH private key":         `{"url": "git@h:y", "key_file": "` + writeFile(t, []byte("ssh-ed25519 AAAA me")) + `"}`,
		"entry [1]: url is missing":                  `{"key_file": "` + file + `"}`,
	} {
		_, err := load(t, body(t, `, "GITHUB_CREDENTIALS": [{"url": "https://h", "token": "tok"}, `+entry+`]`), nil).Parameters("")
		if err == nil || !strings.Contains(err.Error(), "GITHUB_CREDENTIALS: "+name) || advice.Next(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParametersTakesSecretsFromTheEnvironment(t *testing.T) {
	text := strings.Replace(body(t, `, "STATE_COS_API_KEY_ID": "own", "COS_RESOURCE_CRN": "crn:x"`), `"pw"`, `""`, 1)
	got := sent(t, load(t, text, map[string]string{"SBS_DOCKER_PASSWORD": "env-pw", "SBS_COS_API_KEY_ID": "shared"}), "")
	separate := sent(t, load(t, text, map[string]string{"SBS_DOCKER_PASSWORD": "p", "SBS_COS_API_KEY_ID": "shared", "SBS_MANIFEST_COS_API_KEY_ID": "its own"}), "")
	if separate["MANIFEST_COS_API_KEY_ID"] != "its own" {
		t.Errorf("MANIFEST_COS_API_KEY_ID is %v, which COS_API_KEY_ID must not replace", separate["MANIFEST_COS_API_KEY_ID"])
	}
	for key, want := range map[string]string{
		"DOCKER_PASSWORD": "env-pw", "STATE_COS_API_KEY_ID": "own", "MANIFEST_COS_API_KEY_ID": "shared",
		"MANIFEST_COS_RESOURCE_CRN": "crn:x", "STATE_COS_RESOURCE_CRN": "crn:x",
	} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
}

func TestParametersWithANewSecret(t *testing.T) {
	secret, err := NewSecret()
	if err != nil {
		t.Fatal(err)
	}
	if got := sent(t, load(t, body(t, ""), nil), secret); got["NEW_SECRET"] != secret || got["SECRET"] == secret {
		t.Errorf("got NEW_SECRET %v, SECRET %v", got["NEW_SECRET"], got["SECRET"])
	}
}

func TestParametersAreCheckedBeforeSending(t *testing.T) {
	key := writeFile(t, sshKey(t, ""))
	for _, test := range []struct{ name, extra, want string }{
		{"capital letters", `, "DOCKERFILE_PATH": "../x"`, "DOCKERFILE_PATH"},
		{"refused parameter", `, "SECRETS": {"A": "b"}`, "SECRETS"},
		{"missing key file", `, "GITHUB_KEY_FILE": "/no/such"`, "GITHUB_KEY_FILE"},
		{"key and file", `, "GITHUB_KEY": "x", "GITHUB_KEY_FILE": "` + key + `"`, "both given"},
		{"passphrase", `, "GITHUB_KEY_FILE": "` + writeFile(t, sshKey(t, "geheim")) + `"`, "passphrase"},
		{"public key", `, "GITHUB_KEY_FILE": "` + writeFile(t, []byte("ssh-ed25519 AAAA me")) + `"`, "no SSH private key"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := load(t, body(t, test.extra), nil).Parameters("")
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want %q in it", err, test.want)
			}
			if advice.Next(err) == "" {
				t.Errorf("%v comes without advice", err)
			}
		})
	}
}

func TestParametersErrorsKeepTheirKeyAndNoSecret(t *testing.T) {
	c := load(t, strings.Replace(body(t, ""), `"pw"`, `"sec\nret"`, 1), nil)
	_, err := c.Parameters("")
	var parameter *api.ParameterError
	if !errors.As(err, &parameter) || parameter.Key != "DOCKER_PASSWORD" {
		t.Fatalf("got %v", err)
	}
	if bytes.Contains([]byte(err.Error()), []byte("sec")) {
		t.Errorf("the password is in %q", err)
	}
	if !strings.Contains(advice.Next(err), "SBS_DOCKER_PASSWORD") {
		t.Errorf("advice %q does not name the variable", advice.Next(err))
	}
}

// The owner of the file looks for the key that is written in it.
func TestParametersErrorsNameTheKeyOfTheFile(t *testing.T) {
	binary := writeFile(t, []byte{0x99, 0x01, 0x0d, 0x04, 0xff, 0xfe})
	key := writeFile(t, []byte("-----BEGIN PGP PUBLIC KEY BLOCK-----\n"))
	for _, test := range []struct{ name, extra, want, next string }{
		{"binary OpenPGP key", `, "ICR_BASE_REPO": "us.icr.io/ns/app", "ICR_BASE_REPO_PUBLIC_KEY": "` + binary + `"`, "ICR_BASE_REPO_PUBLIC_KEY: " + binary + " is not text", "gpg --armor --export"},
		{"binary authority", `, "GITHUB_CA_FILE": "` + binary + `"`, "GITHUB_CA_FILE", "openssl x509 -inform der"},
		{"binary key of a rule", `, "BASE_IMAGE_POLICY": [{"image": "**", "method": "simple", "key_file": "` + binary + `"}]`, "rule 1: key_file: is not text", "gpg --armor"},
		{"authority that is none", `, "GITHUB_CA_FILE": "` + key + `"`, "GITHUB_CA", "correct GITHUB_CA_FILE in"},
		{"short form", `, "COS_ENDPOINT": "ftp://host", "COS_API_KEY_ID": "k"`, "COS_ENDPOINT", "correct COS_ENDPOINT in"},
		{"image tag", `, "IMAGE_TAG": "` + strings.Repeat("x", 200) + `"`, "BUILD_IMAGE_TAG", "correct IMAGE_TAG in"},
		{"short SECRET", `, "Secret": "bXlzZWNyZXQ="`, "SECRET: is too short", "correct SECRET in"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := load(t, body(t, test.extra), nil).Parameters("")
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(advice.Next(err), test.next) {
				t.Errorf("got %v, next %q", err, advice.Next(err))
			}
		})
	}
}

// What the stock client sends and its server ignores: a key without an image.
func TestParametersWithAKeyAndNoImage(t *testing.T) {
	key := writeFile(t, []byte("a public key"))
	got := sent(t, load(t, body(t, `, "ICR_BASE_REPO": "", "ICR_BASE_REPO_PUBLIC_KEY": "`+key+`"`), nil), "")
	if got["BASE_REPO_PUBLIC_KEY"] != "a public key" {
		t.Errorf("sent %v", got["BASE_REPO_PUBLIC_KEY"])
	}
}

func TestParametersAreSentWithoutSpaceAroundThem(t *testing.T) {
	got := sent(t, load(t, body(t, `, "GITHUB_BRANCH": " main ", "DOCKER_USER": "u\n", "DOCKER_PUSH_SERVER": "\tus.icr.io", "ARG": {"FLAGS": " -O2 "}`), nil), "")
	if got["GITHUB_BRANCH"] != "main" || got["DOCKER_USER"] != "u" || got["DOCKER_PUSH_SERVER"] != "us.icr.io" {
		t.Errorf("sent %v", got)
	}
	if arg, ok := got["ARG"].(map[string]any); !ok || arg["FLAGS"] != " -O2 " {
		t.Errorf("ARG is %v", got["ARG"])
	}
	if _, err := load(t, body(t, `, "DOCKER_Password": "pw "`), nil).Parameters(""); err == nil || !strings.Contains(err.Error(), "DOCKER_PASSWORD: begins or ends with white space") {
		t.Errorf("a password with white space after it: %v", err)
	}
}

// Of two spellings the last is sent, as by the stock client.
func TestParametersOfAKeyInTwoSpellings(t *testing.T) {
	c := load(t, body(t, `, "DOCKER_REPO": "ns/last", "github_branch": "a", "GITHUB_BRANCH": ""`), nil)
	got := sent(t, c, "")
	if _, there := got["GITHUB_BRANCH"]; got["DOCKER_REPO"] != "ns/last" || there {
		t.Errorf("sent %v", got)
	}
	if len(c.Repeated()) != 2 {
		t.Errorf("warnings %q", c.Repeated())
	}
}

func TestDescribedNeedsNoSecret(t *testing.T) {
	c := load(t, `{"GITHUB_URL": "git@github.com:o/r.git", "DOCKER_REPO": "ns/name", "DOCKER_USER": "u", "DOCKER_PASSWORD": "pw"}`, nil)
	if p, err := c.Described(); err != nil || p.DockerRepo != "ns/name" {
		t.Errorf("%v, %v", p.DockerRepo, err)
	}
	if _, err := c.Parameters(""); err == nil {
		t.Error("a SECRET that was never written would be sent")
	}
}

const sigstoreKey = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEkfDwgCYIOtT6I5VrxJ+4SQWNIzqU
RXlkxWPBEcW1IPspE0xkJ+zyzQKewGpTeVsH21FXfNyQS6zNl5HpHJ976w==
-----END PUBLIC KEY-----
`
