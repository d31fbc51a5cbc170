package server

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/job"
)

func TestFinishedBuilds(t *testing.T) {
	f := newFixture(t)
	f.mustReturn("POST", "/image", parametersWith("ENV_WHITELIST", ""), http.StatusOK)
	old := f.keep(oldID, api.StatusSuccess, "")
	latest := f.keep(newID, api.StatusSuccess, "")
	failed := f.keep(failedID, api.FailureStatus("x"), "")
	f.keep(cutID, api.StatusSuccess, "")
	if err := os.WriteFile(filepath.Join(f.dir, "builds", cutID, "record.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}

	for body, want := range map[string]job.Record{
		`""`: latest, `{"BUILD_NAME":""}`: latest,
		`{"BUILD_NAME":"` + old.BuildName + `"}`: old,
	} {
		var m api.Manifest
		reply := f.request("GET", "/manifest", body)
		if err := json.Unmarshal(reply.Body.Bytes(), &m); err != nil {
			t.Fatalf("%s: %v", reply.Body, err)
		}
		content, err := base64.StdEncoding.DecodeString(m.EncodedManifest)
		if err != nil || m.ManifestName != "manifest."+want.BuildName || string(content) != "manifest of "+want.ID {
			t.Errorf("%s: got %s with %q, %v", body, m.ManifestName, content, err)
		}
		var k api.PublicKey
		if err := json.Unmarshal(f.request("GET", "/publickey", body).Body.Bytes(), &k); err != nil {
			t.Fatal(err)
		}
		if k.PublicKeyPEM != "key of "+want.ID || k.BuildName != want.BuildName {
			t.Errorf("%s: got %+v", body, k)
		}
	}
	for _, name := range []string{failed.BuildName, "other." + oldID, oldID, "x", "../" + oldID} {
		f.mustReturn("GET", "/manifest", `{"BUILD_NAME":"`+name+`"}`, http.StatusNotFound)
	}
	if reply := f.request("GET", "/imagedigest", `""`); reply.Code != http.StatusCreated || reply.Body.String() != `"docker.io/namespace/name@sha256:`+newID+`"`+"\n" {
		t.Errorf("got %d %s", reply.Code, reply.Body)
	}
	var config map[string]any
	reply := f.request("GET", "/config-json", `""`)
	if err := json.Unmarshal(reply.Body.Bytes(), &config); err != nil || reply.Code != http.StatusCreated {
		t.Fatalf("%d %s %v", reply.Code, reply.Body, err)
	}
	if config["repository_name"] != "docker.io/namespace/name" || config["docker_username"] != "reader" || config["docker_password"] != "read-only" || config["public_key"] != "key" {
		t.Errorf("got %v", config)
	}
	if _, list := config["envs_whitelist"].([]any); !list {
		t.Errorf("envs_whitelist is %v, want a list", config["envs_whitelist"])
	}
	if text := f.request("GET", "/config-python", `""`).Body.String(); !strings.Contains(text, `docker_username = "reader"`) || strings.Contains(text, "pass-word") {
		t.Error(text)
	}
}

func TestLogIsStreamedAsJSON(t *testing.T) {
	f := newFixture(t)
	f.mustReturn("POST", "/image", parametersWith(), http.StatusOK)
	const whole = "first \"quoted\" <b> \\ \u2028 Ünïcode\n\tsecond\n"
	record := f.keep(oldID, api.StatusSuccess, whole+"still being writ")
	done := make(chan struct{})
	err := f.Slot.Begin(record, func(_ context.Context, b *job.Build) job.Record { defer close(done); return b.Record() })
	if err != nil {
		t.Fatal(err)
	}
	<-done
	var log api.Log
	if err := json.Unmarshal(f.request("GET", "/log/build", `""`).Body.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	if log.Log != whole {
		t.Errorf("got %q, want %q", log.Log, whole)
	}
}
