package server

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/job"
)

func TestBeforeInit(t *testing.T) {
	f := newFixture(t)
	for _, body := range []string{"", `""`, "{}"} {
		if got := f.request("GET", "/image", body).Body.String(); got != `{"status":""}`+"\n" {
			t.Errorf("body %q: got %s", body, got)
		}
	}
	f.mustReturn("PUT", "/image", `""`, http.StatusConflict)
	f.mustReturn("PATCH", "/image", parametersWith(), http.StatusConflict)
	f.mustReturn("GET", "/manifest", `""`, http.StatusNotFound)
	f.mustReturn("GET", "/publickey", `""`, http.StatusNotFound)
	for _, path := range []string{"/imagedigest", "/config-json", "/config-python"} {
		reply := f.request("GET", path, `""`)
		if reply.Code == http.StatusCreated || json.Valid(reply.Body.Bytes()) {
			t.Errorf("%s: %d %s, want plain text", path, reply.Code, reply.Body)
		}
	}
	if got := f.request("GET", "/log/build", `""`).Body.String(); got != `{"log":""}`+"\n" {
		t.Error(got)
	}
}

func TestInitAndUpdate(t *testing.T) {
	f := newFixture(t)
	wrong := f.mustReturn("POST", "/image", parametersWith("DOCKER_REPO", "Upper/Case"), http.StatusBadRequest)
	if wrong.Key != "DOCKER_REPO" || wrong.Code != api.CodeBadParameter || !strings.Contains(wrong.Status, "lower case") {
		t.Errorf("got %+v", wrong)
	}
	if got := f.mustReturn("GET", "/image", "", http.StatusOK); got.Status != "" {
		t.Errorf("a refused init was stored: %+v", got)
	}
	if got := f.request("POST", "/image", parametersWith()).Body.String(); got != `{"status":"OK"}`+"\n" {
		t.Error(got)
	}
	f.mustReturn("POST", "/image", parametersWith(), http.StatusOK)
	f.mustReturn("POST", "/image", parametersWith("SECRET", otherSecret), http.StatusForbidden)
	f.mustReturn("POST", "/image", parametersWith("NEW_SECRET", otherSecret), http.StatusBadRequest)
	f.mustReturn("PATCH", "/image", parametersWith("SECRET", otherSecret), http.StatusForbidden)
	f.mustReturn("PATCH", "/image", parametersWith("NEW_SECRET", otherSecret), http.StatusOK)
	f.mustReturn("PATCH", "/image", parametersWith("NEW_SECRET", otherSecret), http.StatusOK) // the reply was lost
	f.mustReturn("PATCH", "/image", parametersWith(), http.StatusForbidden)
	f.mustReturn("PATCH", "/image", parametersWith("SECRET", otherSecret, "IMAGE_TAG_PREFIX", "v2"), http.StatusOK)

	if err := f.data.Close(); err != nil {
		t.Fatal(err)
	}
	f.start()
	f.mustReturn("PUT", "/image", `""`, http.StatusOK)
	if len(f.builder.began) != 1 || f.builder.began[0].ImageTagPrefix != "v2" || string(f.builder.began[0].Secret) != otherSecret {
		t.Errorf("after a restart, %+v was built", f.builder.began)
	}
}

func TestParametersAreChecked(t *testing.T) {
	f := newFixture(t)
	for key, value := range map[string]string{
		"GITHUB_URL":                       "file:///etc",
		"GITHUB_BRANCH":                    "a..b",
		"GITHUB_KNOWN_HOSTS":               "host ssh-ed25519 notbase64",
		"DOCKER_CONTENT_TRUST_PUSH_SERVER": "https://notary.docker.io",
		"DOCKER_CONTENT_TRUST_BASE":        "True",
		"ICR_BASE_REPO":                    "us.icr.io/ns/base:1",
	} {
		if got := f.mustReturn("POST", "/image", parametersWith(key, value), http.StatusBadRequest); got.Key != key {
			t.Errorf("%s: got %+v", key, got)
		}
	}
	credentials := strings.Replace(parametersWith(), "{", `{"GITHUB_CREDENTIALS": [{"url": "git@h:x", "key": "planted"}],`, 1)
	if got := f.mustReturn("POST", "/image", credentials, http.StatusBadRequest); got.Key != "GITHUB_CREDENTIALS" || !strings.Contains(got.Status, "entry [0]: SSH key: it is no private key") || strings.Contains(got.Status, "planted") {
		t.Errorf("got %+v", got)
	}
	f.builder.refuses = &api.ParameterError{Key: "BASE_IMAGE_POLICY", Problem: "no key"}
	if got := f.mustReturn("POST", "/image", parametersWith(), http.StatusBadRequest); got.Key != "BASE_IMAGE_POLICY" {
		t.Errorf("got %+v", got)
	}
	f.builder.refuses = nil
	f.mustReturn("PUT", "/image", `""`, http.StatusConflict) // nothing was stored
}

func TestBuildOutOfOrder(t *testing.T) {
	f := newFixture(t)
	f.mustReturn("POST", "/image", parametersWith(), http.StatusOK)
	f.builder.err = job.ErrBusy
	if got := f.mustReturn("PUT", "/image", `""`, http.StatusConflict); got.Code != api.CodeBusy {
		t.Errorf("got %+v", got)
	}
	f.builder.err = os.ErrPermission
	if got := f.mustReturn("PUT", "/image", `""`, http.StatusInternalServerError); strings.Contains(got.Status, "permission") {
		t.Errorf("the reply has the server's own error: %+v", got)
	}
	if got := f.mustReturn("DELETE", "/image", `""`, http.StatusOK); got.Status != "restarted cicd" {
		t.Errorf("got %+v", got)
	}
	if got := f.mustReturn("GET", "/image", `""`, http.StatusOK); got.Status != "restarted cicd" {
		t.Errorf("got %+v", got)
	}
}

func TestRefusedRequests(t *testing.T) {
	f := newFixture(t)
	f.mustReturn("POST", "/image", "[1]", http.StatusBadRequest)
	f.mustReturn("POST", "/image", "not json", http.StatusBadRequest)
	f.mustReturn("POST", "/image", strings.Repeat("x", api.MaxBody+1), http.StatusRequestEntityTooLarge)
	f.mustReturn("GET", "/manifest", "[1]", http.StatusBadRequest)
	f.mustReturn("GET", "/log/other", `""`, http.StatusNotFound)
	f.mustReturn("GET", "/log/..%2f..%2fjob.json", `""`, http.StatusNotFound)
	f.mustReturn("GET", "/nothing", `""`, http.StatusNotFound)
	f.mustReturn("TRACE", "/image", `""`, http.StatusMethodNotAllowed)
}

// The stock client compares the status, so that warnings have a field of their own.
func TestInitAndUpdateWarn(t *testing.T) {
	f := newFixture(t)
	given := strings.Replace(parametersWith(), "{", `{"ARG":{"NPM_TOKEN":"s3cret"},`, 1)
	for _, method := range []string{"POST", "PATCH"} {
		got := f.mustReturn(method, "/image", given, http.StatusOK)
		if got.Status != "OK" || len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], "NPM_TOKEN") || strings.Contains(got.Warnings[0], "s3cret") {
			t.Errorf("%s: got %+v", method, got)
		}
	}
}
