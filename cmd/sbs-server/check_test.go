package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opensbs/sbs/enclave"
	"github.com/opensbs/sbs/server"
)

func TestCheckPrintsWhatTheServerUnderstands(t *testing.T) {
	setProxies(t, map[string]string{"HTTPS_PROXY": "http://staff:pass-word@proxy.example.com:3128"})
	d := newDeployment(t)
	folder := t.TempDir()
	if err := keygen(io.Discard, folder, ""); err != nil {
		t.Fatal(err)
	}
	contract := d.environment(t, folder)
	getenv := func(name string) string {
		if name == envVolume {
			return filepath.Join(d.volume, "missing")
		}
		return contract(name)
	}
	var out bytes.Buffer
	if err := checkSettings(getenv, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"SBS_LISTEN               127.0.0.1:0\n", "SBS_LOG_FORMAT           json (default)\n", "SBS_HEALTH_LISTEN        none\n",
		"http://proxy.example.com:3128 (with credentials)\n", "IMAGE_SECRET             given\n", "IMAGE_SECRET_PREVIOUS    none\n",
		"CLIENT_CRT               CN=", "Enclave: contract.",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
	secrets := []string{"pass-word", "staff"}
	for _, name := range []string{enclave.EnvImageSecret, enclave.EnvImagePrivateKey, server.EnvServerKey} {
		secrets = append(secrets, getenv(name)[:20])
	}
	for _, secret := range secrets {
		if strings.Contains(out.String(), secret) {
			t.Errorf("the secret %.5s… is printed", secret)
		}
	}
	if files, err := os.ReadDir(d.volume); err != nil || len(files) > 0 {
		t.Errorf("the volume has %v, %v", files, err)
	}
}

func TestCheckRefusesWhatTheStartRefuses(t *testing.T) {
	setProxies(t, nil)
	d := newDeployment(t)
	folder := t.TempDir()
	if err := keygen(io.Discard, folder, ""); err != nil {
		t.Fatal(err)
	}
	contract := d.environment(t, folder)
	simulated := t.TempDir()
	for name, test := range map[string]struct {
		changed map[string]string
		want    string
	}{
		"a setting":                {map[string]string{envListen: "443"}, envListen},
		"no client certificate":    {map[string]string{server.EnvClientCertificate: ""}, server.EnvClientCertificate},
		"another server's key":     {map[string]string{server.EnvServerKey: "aGVsbG8="}, server.EnvServerKey},
		"no enclave":               {map[string]string{enclave.EnvImageSecret: "", enclave.EnvImagePrivateKey: ""}, enclave.EnvImageSecret},
		"a simulated one not made": {map[string]string{enclave.EnvImageSecret: "", enclave.EnvImagePrivateKey: "", envSimulated: simulated}, "simulate-enclave"},
	} {
		getenv := func(name string) string {
			if value, ok := test.changed[name]; ok {
				return value
			}
			return contract(name)
		}
		var out bytes.Buffer
		if err := checkSettings(getenv, &out); err == nil || !strings.Contains(err.Error(), test.want) || out.Len() > 0 {
			t.Errorf("%s: error %v, output %q", name, err, out.String())
		}
	}
	if files, err := os.ReadDir(simulated); err != nil || len(files) > 0 {
		t.Errorf("the folder of the simulated enclave has %v, %v", files, err)
	}
}
