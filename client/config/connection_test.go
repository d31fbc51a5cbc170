package config

import (
	"os"
	"strings"
	"testing"

	"github.com/opensbs/sbs/client/advice"
)

func TestServer(t *testing.T) {
	for given, want := range map[string]string{
		"sbs.example.com ": "sbs.example.com",
		"192.0.2.1":        "192.0.2.1",
		"[2001:db8::5]":    "2001:db8::5",
	} {
		host, port, err := load(t, `{"HOSTNAME": "`+given+`"}`, nil).Server()
		if err != nil || host != want || port != "443" {
			t.Errorf("%q is %q, %q, %v", given, host, port, err)
		}
	}
	for given, next := range map[string]string{
		"2001:db8::5":      "write [2001:db8::5]",
		"[2001:db8::5":     "the name alone",
		"[sbs.example]":    "the name alone",
		"sbs.example:8443": "the port goes to CICD_PORT",
		"https://sbs":      "the name alone",
	} {
		_, _, err := load(t, `{"HOSTNAME": "`+given+`"}`, nil).Server()
		if err == nil || !strings.Contains(err.Error(), "HOSTNAME") || !strings.Contains(advice.Next(err), next) {
			t.Errorf("%q: %v, next %q", given, err, advice.Next(err))
		}
	}
	if _, _, err := (&Config{getenv: os.Getenv}).Server(); err == nil {
		t.Error("no HOSTNAME is none")
	}
}
