package server

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/history"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/server/parameters"
	trustdct "github.com/opensbs/sbs/server/signing/dct"
	"github.com/opensbs/sbs/server/signing/manifestkey"
	"github.com/opensbs/sbs/server/stateimage"
	"github.com/opensbs/sbs/server/transfer"
	"github.com/opensbs/sbs/server/volume"
	"github.com/opensbs/sbs/signature/dct"
	"github.com/opensbs/sbs/test/kit/plainvolume"
)

// builder replaces the pipeline and records which builds were started. The real one
// runs in the end-to-end tests.
type builder struct {
	began   []api.Parameters
	err     error
	refuses error
	panics  any
}

func (b *builder) Check(api.Parameters) error { return b.refuses }

func (b *builder) Begin(p api.Parameters) error {
	if b.panics != nil {
		panic(b.panics)
	}
	b.began = append(b.began, p)
	return b.err
}

type fixture struct {
	*Server
	t       *testing.T
	builder *builder
	dir     string
	data    *volume.Volume
}

func newFixture(t *testing.T) *fixture {
	f := &fixture{t: t, builder: &builder{}, dir: t.TempDir()}
	f.start()
	return f
}

// start opens the server on its volume, as after a restart.
func (f *fixture) start() {
	f.t.Helper()
	data := plainvolume.Open(f.t, f.dir)
	slot, err := job.Open(data.Job(), func(r job.Record) job.Record { return r })
	if err != nil {
		f.t.Fatal(err)
	}
	f.Server = New(Config{Slot: slot, Disk: data, Builder: f.builder, Enclave: "simulated", Logger: slog.New(slog.DiscardHandler)})
	f.open(data, nil)
}

// open gives the server the parts that work on a volume, as run does.
func (f *fixture) open(data *volume.Volume, keys stateimage.Keys) {
	f.t.Helper()
	f.data = data
	store, err := parameters.Open(data.Secrets(), f.Slot)
	if err != nil {
		f.t.Fatal(err)
	}
	config := f.Config
	config.Builds, config.Lookaside, config.Disk = data.Builds(), data.Lookaside(), data
	config.History, config.Parameters = history.New(data.Builds(), data.Space), store
	config.Transfer = transfer.New(transfer.Config{
		Parameters: store, Secrets: data.Secrets(), Builds: data.Builds(), History: config.History, Importer: data, Keys: keys,
		Sealed: sealedNames(), Logger: config.Logger,
	})
	f.Server = New(config)
}

// sealedNames returns the names of a server that the tests need.
func sealedNames() stateimage.Declarations {
	return slices.Concat(manifestkey.Sealed(), trustdct.Sealed(), []stateimage.Sealed{{Name: dct.RecordPrefix, Travels: true, Merge: dct.MergeRecords}})
}

type reply struct {
	Code int
	Body *bytes.Buffer
}

// request sends a request over a real connection, without TLS.
func (f *fixture) request(method, path, body string) reply {
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

// mustReturn sends a request and checks the status code. The body must be an api.Answer.
func (f *fixture) mustReturn(method, path, body string, code int) api.Answer {
	f.t.Helper()
	reply := f.request(method, path, body)
	if reply.Code != code {
		f.t.Errorf("%s %s: code %d, want %d: %s", method, path, reply.Code, code, reply.Body)
	}
	var got api.Answer
	if err := json.Unmarshal(reply.Body.Bytes(), &got); err != nil {
		f.t.Errorf("%s %s: %s: %v", method, path, reply.Body, err)
	}
	return got
}

const secret = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
const otherSecret = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA="

func parametersWith(more ...string) string {
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

// keep stores a finished build as the pipeline does.
func (f *fixture) keep(id, status string, log string) job.Record {
	f.t.Helper()
	build, err := f.data.Builds().Create(id)
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
