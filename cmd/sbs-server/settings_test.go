package main

import (
	"io"
	"os"
	"path/filepath"
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

func TestASimulatedEnclaveIsNoSecondOne(t *testing.T) {
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
