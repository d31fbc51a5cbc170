package server

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/enclave"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/test/kit/plainvolume"
)

// inImage gives a fixture the keys of a server image: those in the folder dir.
func (f *fixture) inImage(dir string) *fixture {
	f.t.Helper()
	keys, err := enclave.Simulate(dir)
	if err != nil {
		f.t.Fatal(err)
	}
	f.Transfer.Keys = keys
	return f
}

// again restarts the server on its volume, in the same image.
func (f *fixture) again() {
	f.t.Helper()
	keys, bundle := f.Transfer.Keys, f.Transfer.CABundle
	if err := f.data.Close(); err != nil {
		f.t.Fatal(err)
	}
	f.start()
	f.Transfer.Keys, f.Transfer.CABundle = keys, bundle
}

func (f *fixture) put(name, secret string) {
	f.t.Helper()
	if err := f.data.Secrets().Put(name, []byte(secret)); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) get(name string) string {
	f.t.Helper()
	secret, err := f.data.Secrets().Get(name)
	if err != nil {
		f.t.Fatal(err)
	}
	return string(secret)
}

// built is a server that has signed one build.
func built(t *testing.T, image string) *fixture {
	t.Helper()
	f := newFixture(t).inImage(image)
	f.mustReturn("POST", "/image", parametersWith(), http.StatusOK)
	f.put("manifest/key", "the manifest key")
	f.put("dct/abc", "the root key")
	f.put(ofOurs(5))
	f.keep(oldID, api.StatusSuccess, "")
	f.keep(newID, api.StatusSuccess, "")
	f.keep(failedID, api.FailureStatus("x"), "")
	return f
}

// ofOurs returns the record of trust data of a repository that was seen at a version,
// and the name under which it is sealed.
func ofOurs(version int) (name, record string) {
	const server, gun = "notary.example.com", "registry.example.com/ns/app"
	sum := sha256.Sum256([]byte(server + "\n" + gun))
	return fmt.Sprintf("dct/gun/%x", sum), fmt.Sprintf(
		`{"version":1,"server":%q,"gun":%q,"root_key_id":%q,"seen":{"root":1,"targets":%d,"snapshot":%d,"timestamp":%d}}`,
		server, gun, strings.Repeat("0a", 32), version, version, version)
}

func (f *fixture) export(body string) api.StateImage {
	f.t.Helper()
	reply := f.request("GET", "/state-image", body)
	var image api.StateImage
	if err := json.Unmarshal(reply.Body.Bytes(), &image); err != nil || reply.Code != http.StatusOK {
		f.t.Fatalf("export: %d %s %v", reply.Code, reply.Body, err)
	}
	return image
}

func importing(t *testing.T, secret, state string) string {
	t.Helper()
	text, err := json.Marshal(map[string]string{"secret": secret, "state": state})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestRecovery follows the guide: post-state-image on a new server, then update.
func TestRecovery(t *testing.T) {
	image := t.TempDir()
	first := built(t, image)
	exported := first.export(`""`)
	if !strings.HasSuffix(exported.Name, newID) || !strings.HasPrefix(exported.ExportTag, "sha256:") || exported.State == "" {
		t.Fatalf("exported %+v", exported)
	}
	for _, hidden := range []string{"the manifest key", "pass-word", "namespace"} {
		if strings.Contains(exported.State, hidden) {
			t.Errorf("the state shows %q", hidden)
		}
	}

	second := newFixture(t).inImage(image)
	second.mustReturn("POST", "/state-image", importing(t, secret, exported.State), http.StatusOK)
	for range 2 { // the second time after a restart
		if got := second.mustReturn("PUT", "/image", `""`, http.StatusConflict); got.Code != api.CodeIncomplete || !strings.Contains(got.Status, "update") {
			t.Errorf("build before update: %+v", got)
		}
		second.mustReturn("PATCH", "/image", parametersWith("SECRET", otherSecret), http.StatusForbidden)
		second.again()
	}
	second.mustReturn("PATCH", "/image", parametersWith(), http.StatusOK)
	second.mustReturn("PUT", "/image", `""`, http.StatusOK)
	second.again()
	second.mustReturn("PUT", "/image", `""`, http.StatusOK)
	ourRecord, record5 := ofOurs(5)
	for name, want := range map[string]string{"manifest/key": "the manifest key", "dct/abc": "the root key", ourRecord: record5} {
		if got := second.get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for _, id := range []string{oldID, newID} {
		name := "docker.io.namespace.name.v1-abcdefa." + id
		if got := second.request("GET", "/publickey", `{"BUILD_NAME":"`+name+`"}`).Body.String(); !strings.Contains(got, "key of "+id) {
			t.Errorf("%s: %s", name, got)
		}
	}
	second.mustReturn("GET", "/publickey", `{"BUILD_NAME":"docker.io.namespace.name.v1-abcdefa.`+failedID+`"}`, http.StatusNotFound)
}

func TestRefusedStatesChangeNothing(t *testing.T) {
	image := t.TempDir()
	first := built(t, image)
	state := first.export(`""`).State
	elsewhere := func(change func(*fixture)) *fixture {
		f := newFixture(t).inImage(image)
		change(f)
		return f
	}
	fresh := elsewhere(func(*fixture) {})
	for name, test := range map[string]struct {
		server *fixture
		body   string
		code   int
		says   string
	}{
		"wrong secret":       {fresh, importing(t, otherSecret, state), 403, "another SECRET"},
		"not the server's":   {elsewhere(func(f *fixture) { f.mustReturn("POST", "/image", parametersWith("SECRET", otherSecret), 200) }), importing(t, secret, state), 403, "initialised with"},
		"wrong image":        {newFixture(t).inImage(t.TempDir()), importing(t, secret, state), 403, "another server image"},
		"truncated":          {fresh, importing(t, secret, state[:len(state)-8]), 400, "cut short"},
		"changed":            {fresh, importing(t, secret, state[:len(state)-12]+"AAAA"+state[len(state)-8:]), 400, "changed"},
		"no state":           {fresh, importing(t, secret, "hello"), 400, "not a state image"},
		"nothing":            {fresh, importing(t, secret, ""), 400, "neither"},
		"another repository": {elsewhere(func(f *fixture) { f.mustReturn("POST", "/image", parametersWith("DOCKER_REPO", "other/name"), 200) }), importing(t, secret, state), 409, "another repository"},
		"a key more":         {elsewhere(func(f *fixture) { f.put("dct/later", "x") }), importing(t, secret, state), 409, "lose them"},
		"a record that is damaged": {elsewhere(func(f *fixture) {
			name, _ := ofOurs(5)
			f.put(name, "{}")
		}), importing(t, secret, state), 500, "own log"},
		"another key":     {elsewhere(func(f *fixture) { f.put("manifest/key", "x") }), importing(t, secret, state), 409, "lose them"},
		"no bucket known": {fresh, `{"secret":"` + secret + `","name":"x"}`, 409, "init"},
		"secret missing":  {fresh, `{"state":"x"}`, 400, "secret"},
	} {
		t.Run(name, func(t *testing.T) {
			before := plainvolume.Files(t, test.server.dir)
			if got := test.server.mustReturn("POST", "/state-image", test.body, test.code); !strings.Contains(got.Status, test.says) {
				t.Errorf("got %+v, want %q", got, test.says)
			}
			if !maps.Equal(before, plainvolume.Files(t, test.server.dir)) {
				t.Error("the volume has changed")
			}
		})
	}
}

func TestExportWithoutState(t *testing.T) {
	f := newFixture(t).inImage(t.TempDir())
	f.mustReturn("GET", "/state-image", "{}", http.StatusConflict)
	f.mustReturn("POST", "/image", parametersWith(), http.StatusOK)
	before := plainvolume.Files(t, f.dir)
	f.mustReturn("GET", "/state-image", "{}", http.StatusNotFound)
	if !maps.Equal(before, plainvolume.Files(t, f.dir)) {
		t.Error("the volume has changed")
	}
}

func TestStateDuringABuild(t *testing.T) {
	f := built(t, t.TempDir())
	state := f.export("{}").State
	ends := make(chan struct{})
	if err := f.Slot.Begin(job.Record{ID: cutID}, func(context.Context, *job.Build) job.Record { <-ends; return job.Record{} }); err != nil {
		t.Fatal(err)
	}
	defer close(ends)
	for method, body := range map[string]string{"GET": "{}", "POST": importing(t, secret, state)} {
		if got := f.mustReturn(method, "/state-image", body, http.StatusConflict); got.Code != api.CodeBusy {
			t.Errorf("%s: %+v", method, got)
		}
	}
}
