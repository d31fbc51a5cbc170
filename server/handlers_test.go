package server

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/server/volume"
)

// clear stands in for the enclave's sealing, which package enclave tests.
type clear struct{}

func (clear) Seal(_ string, text []byte) ([]byte, error)     { return text, nil }
func (clear) Unseal(_ string, sealed []byte) ([]byte, error) { return sealed, nil }

// builder stands in for the pipeline: it remembers what it was asked to build.
// The real one runs in the end-to-end tests.
type builder struct {
	began   []api.Parameters
	err     error
	refuses error
}

func (b *builder) Check(api.Parameters) error { return b.refuses }

func (b *builder) Begin(p api.Parameters) error {
	b.began = append(b.began, p)
	return b.err
}

type fixture struct {
	*Server
	t       *testing.T
	builder *builder
	dir     string
}

func newFixture(t *testing.T) *fixture {
	f := &fixture{t: t, builder: &builder{}, dir: t.TempDir()}
	f.start()
	return f
}

// start opens the server on its volume, as after a restart.
func (f *fixture) start() {
	f.t.Helper()
	data, err := volume.Open(f.dir, clear{})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = data.Close() })
	slot, err := job.Open(data, func(r job.Record) job.Record { return r })
	if err != nil {
		f.t.Fatal(err)
	}
	f.Server, err = New(Config{Slot: slot, Volume: data, Builder: f.builder, Enclave: "simulated", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.t.Fatal(err)
	}
}

type reply struct {
	Code int
	Body *bytes.Buffer
}

// ask sends a request over a real connection, without TLS.
func (f *fixture) ask(method, path, body string) reply {
	f.t.Helper()
	server := httptest.NewServer(f.Routes())
	defer server.Close()
	request, err := http.NewRequestWithContext(f.t.Context(), method, server.URL+path, strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	response, err := server.Client().Do(request)
	if err != nil {
		f.t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return reply{response.StatusCode, bytes.NewBuffer(content)}
}

// answer asks and checks the code; the body must be an api.Answer.
func (f *fixture) answer(method, path, body string, code int) api.Answer {
	f.t.Helper()
	reply := f.ask(method, path, body)
	if reply.Code != code {
		f.t.Errorf("%s %s: code %d, want %d: %s", method, path, reply.Code, code, reply.Body)
	}
	var answer api.Answer
	if err := json.Unmarshal(reply.Body.Bytes(), &answer); err != nil {
		f.t.Errorf("%s %s: %s: %v", method, path, reply.Body, err)
	}
	return answer
}

const secret = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
const otherSecret = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA="

func parameters(more ...string) string {
	values := map[string]string{
		"GITHUB_URL":                       "git@github.com:owner/repo.git",
		"DOCKER_REPO":                      "namespace/name",
		"DOCKER_USER":                      "user",
		"DOCKER_PASSWORD":                  "pass-word",
		"DOCKER_RO_USER":                   "reader",
		"DOCKER_RO_PASSWORD":               "read-only",
		"SECRET":                           secret,
		"DOCKER_CONTENT_TRUST_PUSH_SERVER": "notary.example.com",
	}
	for i := 0; i < len(more); i += 2 {
		values[more[i]] = more[i+1]
	}
	text, err := json.Marshal(values)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func TestBeforeInit(t *testing.T) {
	f := newFixture(t)
	for _, body := range []string{"", `""`, "{}"} {
		if got := f.ask("GET", "/image", body).Body.String(); got != `{"status":""}`+"\n" {
			t.Errorf("body %q: got %s", body, got)
		}
	}
	f.answer("PUT", "/image", `""`, http.StatusConflict)
	f.answer("PATCH", "/image", parameters(), http.StatusConflict)
	f.answer("GET", "/manifest", `""`, http.StatusNotFound)
	f.answer("GET", "/publickey", `""`, http.StatusNotFound)
	for _, path := range []string{"/imagedigest", "/config-json", "/config-python"} {
		reply := f.ask("GET", path, `""`)
		if reply.Code == http.StatusCreated || json.Valid(reply.Body.Bytes()) {
			t.Errorf("%s: %d %s, want plain text", path, reply.Code, reply.Body)
		}
	}
	if got := f.ask("GET", "/log/build", `""`).Body.String(); got != `{"log":""}`+"\n" {
		t.Error(got)
	}
}

func TestInitAndUpdate(t *testing.T) {
	f := newFixture(t)
	wrong := f.answer("POST", "/image", parameters("DOCKER_REPO", "Upper/Case"), http.StatusBadRequest)
	if wrong.Key != "DOCKER_REPO" || wrong.Code != api.CodeBadParameter || !strings.Contains(wrong.Status, "lower case") {
		t.Errorf("got %+v", wrong)
	}
	if got := f.answer("GET", "/image", "", http.StatusOK); got.Status != "" {
		t.Errorf("a refused init was stored: %+v", got)
	}
	if got := f.ask("POST", "/image", parameters()).Body.String(); got != `{"status":"OK"}`+"\n" {
		t.Error(got)
	}
	f.answer("POST", "/image", parameters(), http.StatusOK)
	f.answer("POST", "/image", parameters("SECRET", otherSecret), http.StatusForbidden)
	f.answer("POST", "/image", parameters("NEW_SECRET", otherSecret), http.StatusBadRequest)
	f.answer("PATCH", "/image", parameters("SECRET", otherSecret), http.StatusForbidden)
	f.answer("PATCH", "/image", parameters("NEW_SECRET", otherSecret), http.StatusOK)
	f.answer("PATCH", "/image", parameters("NEW_SECRET", otherSecret), http.StatusOK) // the reply was lost
	f.answer("PATCH", "/image", parameters(), http.StatusForbidden)
	f.answer("PATCH", "/image", parameters("SECRET", otherSecret, "IMAGE_TAG_PREFIX", "v2"), http.StatusOK)

	if err := f.Volume.Close(); err != nil {
		t.Fatal(err)
	}
	f.start()
	f.answer("PUT", "/image", `""`, http.StatusOK)
	if len(f.builder.began) != 1 || f.builder.began[0].ImageTagPrefix != "v2" || string(f.builder.began[0].Secret) != otherSecret {
		t.Errorf("after a restart, %+v was built", f.builder.began)
	}
}

func TestDoorAsksTheParts(t *testing.T) {
	f := newFixture(t)
	for key, value := range map[string]string{
		"GITHUB_URL":                       "file:///etc",
		"GITHUB_BRANCH":                    "a..b",
		"GITHUB_KNOWN_HOSTS":               "host ssh-ed25519 notbase64",
		"DOCKER_CONTENT_TRUST_PUSH_SERVER": "https://notary.docker.io",
		"DOCKER_CONTENT_TRUST_BASE":        "True",
		"ICR_BASE_REPO":                    "us.icr.io/ns/base:1",
	} {
		if got := f.answer("POST", "/image", parameters(key, value), http.StatusBadRequest); got.Key != key {
			t.Errorf("%s: got %+v", key, got)
		}
	}
	f.builder.refuses = &api.ParameterError{Key: "BASE_IMAGE_POLICY", Problem: "no key"}
	if got := f.answer("POST", "/image", parameters(), http.StatusBadRequest); got.Key != "BASE_IMAGE_POLICY" {
		t.Errorf("got %+v", got)
	}
	f.builder.refuses = nil
	f.answer("PUT", "/image", `""`, http.StatusConflict) // nothing was stored
}

func TestBuildOutOfOrder(t *testing.T) {
	f := newFixture(t)
	f.answer("POST", "/image", parameters(), http.StatusOK)
	f.builder.err = job.ErrBusy
	if got := f.answer("PUT", "/image", `""`, http.StatusConflict); got.Code != api.CodeBusy {
		t.Errorf("got %+v", got)
	}
	f.builder.err = os.ErrPermission
	if got := f.answer("PUT", "/image", `""`, http.StatusInternalServerError); strings.Contains(got.Status, "permission") {
		t.Errorf("the server's own trouble is told: %+v", got)
	}
	if got := f.answer("DELETE", "/image", `""`, http.StatusOK); got.Status != "restarted cicd" {
		t.Errorf("got %+v", got)
	}
	if got := f.answer("GET", "/image", `""`, http.StatusOK); got.Status != "restarted cicd" {
		t.Errorf("got %+v", got)
	}
}

func TestRefusedRequests(t *testing.T) {
	f := newFixture(t)
	f.answer("POST", "/image", "[1]", http.StatusBadRequest)
	f.answer("POST", "/image", "not json", http.StatusBadRequest)
	f.answer("POST", "/image", strings.Repeat("x", api.MaxBody+1), http.StatusRequestEntityTooLarge)
	f.answer("GET", "/manifest", "[1]", http.StatusBadRequest)
	f.answer("GET", "/log/other", `""`, http.StatusNotFound)
	f.answer("GET", "/log/..%2f..%2fjob.json", `""`, http.StatusNotFound)
	f.answer("GET", "/nothing", `""`, http.StatusNotFound)
	f.answer("TRACE", "/image", `""`, http.StatusMethodNotAllowed)
}

// keep stores a finished build as the pipeline does.
func (f *fixture) keep(id, status string, log string) job.Record {
	f.t.Helper()
	build, err := f.Volume.CreateBuild(id)
	if err != nil {
		f.t.Fatal(err)
	}
	record := job.Record{
		ID: id, Status: status, BuildName: "docker.io.namespace.name.v1-abcdefa." + id,
		Repository: "docker.io/namespace/name", ImageDigest: "sha256:" + id,
		Signatures: []job.Signature{{Method: "dct", PublicKeyID: "id", PublicKey: "key"}},
	}
	text, err := json.Marshal(record)
	if err != nil {
		f.t.Fatal(err)
	}
	folder := filepath.Join(f.dir, "builds", id)
	for name, content := range map[string]string{
		"manifest." + record.BuildName + ".sig.tbz": "manifest of " + id,
		"build.log":  log,
		"public.pem": "key of " + id,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			f.t.Fatal(err)
		}
	}
	if err := build.SaveRecord(text); err != nil {
		f.t.Fatal(err)
	}
	return record
}

const (
	oldID    = "2021-02-10_15-37-37.178350"
	newID    = "2022-02-10_15-37-37.178350"
	failedID = "2023-02-10_15-37-37.178350"
	cutID    = "2024-02-10_15-37-37.178350"
)

func TestFinishedBuilds(t *testing.T) {
	f := newFixture(t)
	f.answer("POST", "/image", parameters("ENV_WHITELIST", ""), http.StatusOK)
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
		reply := f.ask("GET", "/manifest", body)
		if err := json.Unmarshal(reply.Body.Bytes(), &m); err != nil {
			t.Fatalf("%s: %v", reply.Body, err)
		}
		content, err := base64.StdEncoding.DecodeString(m.EncodedManifest)
		if err != nil || m.ManifestName != "manifest."+want.BuildName || string(content) != "manifest of "+want.ID {
			t.Errorf("%s: got %s with %q, %v", body, m.ManifestName, content, err)
		}
		var k api.PublicKey
		if err := json.Unmarshal(f.ask("GET", "/publickey", body).Body.Bytes(), &k); err != nil {
			t.Fatal(err)
		}
		if k.PublicKeyPEM != "key of "+want.ID || k.BuildName != want.BuildName {
			t.Errorf("%s: got %+v", body, k)
		}
	}
	for _, name := range []string{failed.BuildName, "other." + oldID, oldID, "x", "../" + oldID} {
		f.answer("GET", "/manifest", `{"BUILD_NAME":"`+name+`"}`, http.StatusNotFound)
	}
	if reply := f.ask("GET", "/imagedigest", `""`); reply.Code != http.StatusCreated || reply.Body.String() != `"docker.io/namespace/name@sha256:`+newID+`"`+"\n" {
		t.Errorf("got %d %s", reply.Code, reply.Body)
	}
	var config map[string]any
	reply := f.ask("GET", "/config-json", `""`)
	if err := json.Unmarshal(reply.Body.Bytes(), &config); err != nil || reply.Code != http.StatusCreated {
		t.Fatalf("%d %s %v", reply.Code, reply.Body, err)
	}
	if config["repository_name"] != "docker.io/namespace/name" || config["docker_username"] != "reader" || config["docker_password"] != "read-only" || config["public_key"] != "key" {
		t.Errorf("got %v", config)
	}
	if _, list := config["envs_whitelist"].([]any); !list {
		t.Errorf("envs_whitelist is %v, want a list", config["envs_whitelist"])
	}
	if text := f.ask("GET", "/config-python", `""`).Body.String(); !strings.Contains(text, `docker_username = "reader"`) || strings.Contains(text, "pass-word") {
		t.Error(text)
	}
}

func TestLogIsStreamedAsJSON(t *testing.T) {
	f := newFixture(t)
	f.answer("POST", "/image", parameters(), http.StatusOK)
	const whole = "first \"quoted\" <b> \\ \u2028 Ünïcode\n\tsecond\n"
	record := f.keep(oldID, api.StatusSuccess, whole+"still being writ")
	done := make(chan struct{})
	err := f.Slot.Begin(record, func(_ context.Context, b *job.Build) job.Record { defer close(done); return b.Record() })
	if err != nil {
		t.Fatal(err)
	}
	<-done
	var log api.Log
	if err := json.Unmarshal(f.ask("GET", "/log/build", `""`).Body.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	if log.Log != whole {
		t.Errorf("got %q, want %q", log.Log, whole)
	}
}

// TestEvents follows a build to its end: the lines come before the status that
// they led to, and the stream ends.
func TestEvents(t *testing.T) {
	f := newFixture(t)
	f.answer("POST", "/image", parameters(), http.StatusOK)
	record := f.keep(oldID, "", "one\n")
	server := httptest.NewServer(f.Routes())
	defer server.Close()
	step := make(chan struct{})
	err := f.Slot.Begin(record, func(_ context.Context, b *job.Build) job.Record {
		<-step
		file, err := os.OpenFile(filepath.Join(f.dir, "builds", oldID, "build.log"), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(file, "two\n")
		b.Touch()
		r, err := b.Advance(func(r *job.Record) { r.Status = api.StatusSuccess })
		if err != nil {
			t.Error(err)
		}
		return r
	})
	if err != nil {
		t.Fatal(err)
	}
	response, err := server.Client().Get(server.URL + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var got []string
	events := json.NewDecoder(response.Body)
	for {
		var event api.Event
		err := events.Decode(&event)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if event.Status == nil {
			got = append(got, event.Log)
			continue
		}
		if len(got) == 1 {
			close(step) // the stream is under way
		}
		if !event.Status.Building {
			got = append(got, "end: "+event.Status.Status)
		}
	}
	if want := "one two end: success"; strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
