//go:build stack

package contract

import (
	"bytes"
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// Interoperability test: openssl and tar read what is made here, by the commands of docs/contract.md.

// tool runs a program in folder, with input, and returns what it prints.
func tool(t *testing.T, folder, input string, argv ...string) ([]byte, error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	command.Dir, command.Stdin = folder, strings.NewReader(input)
	var output bytes.Buffer
	command.Stderr = &output
	out, err := command.Output()
	if err != nil {
		t.Logf("%v: %s", argv, output.String())
	}
	return out, err
}

// decrypt opens a section with openssl.
func decrypt(t *testing.T, folder, section string) string {
	t.Helper()
	parts := strings.Split(section, ".")
	password, err := tool(t, folder, fromBase64(t, parts[1]), "openssl", "pkeyutl", "-decrypt", "-inkey", absolute(t, "testdata/key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	put(t, folder, "text", fromBase64(t, parts[2]))
	text, err := tool(t, folder, string(password), "openssl", "enc", "-d", "-aes-256-cbc", "-pbkdf2", "-pass", "stdin", "-in", "text")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func fromBase64(t *testing.T, text string) string {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func put(t *testing.T, folder, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestOpensslOpensEveryPlatformsContract(t *testing.T) {
	key := testKey(t)
	folder := t.TempDir()
	// The sections are read as a runtime does, out of the YAML.
	plain := sectionsOf(t, text(t, example(t, key)))
	for _, platform := range []Platform{HPVS, CCCO, CCRT, CCRV} {
		t.Run(string(platform), func(t *testing.T) {
			deployed := sectionsOf(t, text(t, made(t, platform, key)))
			for name, want := range plain {
				if got := decrypt(t, folder, deployed[name]); got != want {
					t.Errorf("%s: openssl opened\n%s\nand --plain shows\n%s", name, got, want)
				}
			}
		})
	}
}

func sectionsOf(t *testing.T, userData string) map[string]string {
	t.Helper()
	sections := map[string]string{}
	if err := yaml.Load([]byte(userData), &sections); err != nil {
		t.Fatal(err)
	}
	return sections
}

func TestOpensslVerifies(t *testing.T) {
	key := testKey(t)
	folder := t.TempDir()
	deployed := sectionsOf(t, text(t, made(t, HPVS, key)))
	var env struct {
		SigningKey string `yaml:"signingKey"`
	}
	if err := yaml.Load([]byte(decrypt(t, folder, deployed["env"])), &env); err != nil {
		t.Fatal(err)
	}
	put(t, folder, "public.pem", env.SigningKey)
	put(t, folder, "signature", fromBase64(t, deployed["envWorkloadSignature"]))
	verify := func(signed string) error {
		put(t, folder, "signed", signed)
		_, err := tool(t, folder, "", "openssl", "dgst", "-sha256", "-verify", "public.pem", "-signature", "signature", "signed")
		return err
	}
	if err := verify(deployed["workload"] + deployed["env"]); err != nil {
		t.Error(err)
	}
	for what, signed := range map[string]string{
		"turned round":   deployed["env"] + deployed["workload"],
		"a line between": deployed["workload"] + "\n" + deployed["env"],
		"other workload": made(t, HPVS, key).Workload + deployed["env"],
	} {
		if verify(signed) == nil {
			t.Errorf("%s: openssl verified it", what)
		}
	}
}

func TestTarReadsTheArchive(t *testing.T) {
	var w Workload
	if err := yaml.Load([]byte(example(t, testKey(t)).Workload), &w); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	list, err := tool(t, folder, fromBase64(t, w.Compose.Archive), "tar", "tvz", "--numeric-owner")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(list)) {
		if !strings.HasPrefix(line, "drwxr-xr-x 0/0") && !strings.HasPrefix(line, "-rw-r--r-- 0/0") {
			t.Errorf("tar lists %s", line)
		}
	}
	if _, err := tool(t, folder, fromBase64(t, w.Compose.Archive), "tar", "xz"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"docker-compose.yaml", "conf/note.txt"} {
		got, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		if want, err := os.ReadFile(filepath.Join("testdata/example/compose", name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
