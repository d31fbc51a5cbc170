package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
)

func TestRegistryKeepsItsPassword(t *testing.T) {
	r := api.RegistryAccount{Host: "us.icr.io", User: "user", Password: "s3cr3t"}
	request := BuildRequest{Accounts: []api.RegistryAccount{r}}
	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "registry", r, "request", request)
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "registry", r, "request", request, "pointer", &r)
	marshalled, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{
		fmt.Sprint(r), fmt.Sprintf("%+v", r), fmt.Sprintf("%#v", r), fmt.Sprintf("%+v", &r),
		fmt.Sprintf("%+v", request), fmt.Sprintf("%#v", request), logged.String(), string(marshalled),
	}
	for _, text := range texts {
		if strings.Contains(text, string(r.Password)) {
			t.Errorf("the password is in %q", text)
		}
	}
	if got := r.String(); got != "user at us.icr.io" {
		t.Errorf("String gives %q", got)
	}
}

func TestAuthConfigs(t *testing.T) {
	configs := authConfigs([]api.RegistryAccount{{Host: "registry-1.docker.io", User: "hub", Password: "1"}, {Host: "Registry.example:5000", User: "own", Password: "2"}})
	if hub := configs["https://index.docker.io/v1/"]; hub.Username != "hub" || hub.Password != "1" {
		t.Errorf("credentials for Docker Hub: user %q", hub.Username)
	}
	if own := configs["registry.example:5000"]; own.Username != "own" || own.Password != "2" {
		t.Errorf("credentials for a registry: user %q", own.Username)
	}
}
