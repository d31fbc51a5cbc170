package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every value is checked before the volume, the engine or a port is touched, and
// the error names it.
func TestSettingsAreCheckedBeforeAnythingIsTouched(t *testing.T) {
	setProxies(t, nil)
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	text := file("text", "no PEM")
	key := file("key", "-----BEGIN PRIVATE KEY-----\nczNjcmV0\n-----END PRIVATE KEY-----\n")
	for name, bad := range map[string][]string{
		envLogLevel:    {"loud"},
		envLogFormat:   {"xml"},
		envListen:      {"443", "host:port:port", ":no-port"},
		envHealth:      {"0.0.0.0:80", "127.0.0.1"},
		envVolume:      {text, filepath.Join(text, "below")},
		envRecords:     {text},
		envSimulated:   {text},
		envKnownHosts:  {filepath.Join(dir, "missing"), file("hosts", "git.example.com ssh-ed25519 AAAA")},
		envCABundle:    {filepath.Join(dir, "missing"), text, key, file("empty", ""), dir},
		envMirrors:     {"mirror.example.com"},
		envInsecure:    {"https://registry.example.com"},
		envDockerHost:  {"docker.example.com"},
		envDockerCerts: {dir},
	} {
		for _, value := range bad {
			volume := filepath.Join(t.TempDir(), "volume")
			values := map[string]string{envVolume: volume, envSimulated: filepath.Join(dir, "enclave"), name: value}
			err := serve(t.Context(), func(name string) string { return values[name] }, io.Discard, io.Discard)
			if err == nil || !strings.HasPrefix(err.Error(), name+": ") {
				t.Errorf("%s=%q: %v", name, value, err)
			}
			if _, err := os.Stat(volume); !os.IsNotExist(err) {
				t.Errorf("%s=%q: the volume was touched", name, value)
			}
		}
	}
}

func TestSimulatedEnclaveExcludesContract(t *testing.T) {
	setProxies(t, nil)
	values := map[string]string{envSimulated: t.TempDir(), "IMAGE_SECRET": "secret"}
	_, err := readSettings(func(name string) string { return values[name] })
	if err == nil || !strings.Contains(err.Error(), "IMAGE_SECRET") || !strings.Contains(err.Error(), envSimulated) {
		t.Errorf("got %v", err)
	}
}

func TestSettingsUnlessGiven(t *testing.T) {
	setProxies(t, nil)
	s, err := readSettings(func(string) string { return "" })
	if err != nil || s.listen != ":443" || s.volume != "/data" || s.caBundle != nil {
		t.Errorf("%+v, %v", s, err)
	}
}

// A misspelled setting would silently not count.
func TestUnknownNames(t *testing.T) {
	if err := checkNames([]string{"PATH=/bin", "SBS_VOLUME=/data", "IMAGE_SECRET=x", "HTTP_PROXY=x"}); err != nil {
		t.Error(err)
	}
	for name, says := range map[string]string{"SBS_KNOWN_HOST": "is SBS_KNOWN_HOSTS meant?", "SBS_GREETING": "docs/server.md"} {
		err := checkNames([]string{"SBS_VOLUME=/data", name + "=s3cret"})
		if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// Every name that is documented and begins with the prefix is known, and no other.
func TestKnownNamesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/server.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(SBS_[A-Z_]+)`").FindAllStringSubmatch(string(page), -1) {
		documented[row[1]] = true
	}
	for _, name := range knownNames {
		if !documented[name] {
			t.Errorf("%s has no row in docs/server.md", name)
		}
		delete(documented, name)
	}
	if len(documented) > 0 {
		t.Errorf("not known: %v", documented)
	}
}

// The program itself refuses to start.
func TestUnknownNamesEndTheStart(t *testing.T) {
	t.Setenv("SBS_VOLUM", t.TempDir())
	for _, arguments := range [][]string{nil, {"check"}} {
		if err := dispatch(t.Context(), arguments); err == nil || !strings.Contains(err.Error(), "is SBS_VOLUME meant?") {
			t.Errorf("%q: got %v", arguments, err)
		}
	}
}
