package pipeline

import (
	"encoding/json"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/provenance"
	"github.com/opensbs/sbs/api/record"
)

// A build with everything that can go in.
func fullRecord() record.Record {
	started := time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC)
	return record.Record{
		BuildName:  "registry.example.com.bank.app.v1-0a0a0a0.2026-11-23_09-30-00.000000",
		Enclave:    "simulated",
		Repository: "registry.example.com/bank/app",
		Commit:     strings.Repeat("0a", 20),
		Submodules: []record.Submodule{{Path: "lib", URL: "https://git.example.com/bank/lib.git", Commit: strings.Repeat("0b", 20)}},
		BaseImages: []record.BaseImage{
			{Reference: "docker.io/library/alpine:3.20", Digest: "sha256:" + strings.Repeat("0c", 32), Method: api.SigningSigstore, KeyID: "0d"},
			{Reference: "docker.io/docker/dockerfile:1", Digest: "sha256:" + strings.Repeat("0e", 32)},
		},
		Downloads: []record.Download{
			{URL: "https://files.example.com/tool", Digest: "sha256:" + strings.Repeat("1a", 32)},
			{URL: "https://git.example.com/lib.git", Digest: "sha1:" + strings.Repeat("1b", 20)},
		},
		Parameters:      map[string]any{"GITHUB_URL": "git@git.example.com:bank/app.git", "ARG": map[string]string{"A": "1"}},
		BuildArgs:       map[string]string{"HTTPS_PROXY": "http://proxy.example.com:3128"},
		OperatorAnchors: []record.Anchor{{Name: record.AnchorCABundle, SHA256: strings.Repeat("0f", 32)}},
		Tools:           map[string]string{"sbs-server": "v1", "go": "go1.26", "docker engine": "28", "docker api": "1.51", "builder": "buildkit", "platform": "linux/s390x"},
		Started:         started,
		Finished:        started.Add(time.Minute),
	}
}

func TestProvenance(t *testing.T) {
	r := fullRecord()
	statement := provenanceOf(r, []provenance.Resource{{Name: provenance.NameManifest, URI: "manifest"}})
	text, err := provenance.Encode(statement)
	if err != nil {
		t.Fatal(err)
	}
	read, err := provenance.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	want := []provenance.Resource{
		{Name: "source", URI: "git+ssh://git@git.example.com/bank/app.git", Digest: map[string]string{"gitCommit": r.Commit}},
		{Name: "submodule", URI: "git+https://git.example.com/bank/lib.git", Digest: map[string]string{"gitCommit": strings.Repeat("0b", 20)}, Annotations: map[string]string{"path": "lib"}},
		{Name: "base", URI: "oci://docker.io/library/alpine:3.20", Digest: map[string]string{"sha256": strings.Repeat("0c", 32)}, Annotations: map[string]string{"method": "sigstore", "key_id": "0d"}},
		{Name: "base", URI: "oci://docker.io/docker/dockerfile:1", Digest: map[string]string{"sha256": strings.Repeat("0e", 32)}},
		{Name: "download", URI: "https://files.example.com/tool", Digest: map[string]string{"sha256": strings.Repeat("1a", 32)}},
		{Name: "download", URI: "https://git.example.com/lib.git", Digest: map[string]string{"gitCommit": strings.Repeat("1b", 20)}},
	}
	if got := read.BuildDefinition.ResolvedDependencies; !reflect.DeepEqual(got, want) {
		t.Errorf("dependencies\n%+v, want\n%+v", got, want)
	}
	versions := map[string]string{"sbs-server": "v1", "go": "go1.26", "docker engine": "28", "docker api": "1.51"}
	if got := read.RunDetails.Builder; got.Enclave() != "simulated" || !maps.Equal(got.Version, versions) {
		t.Errorf("builder %+v", got)
	}
	if got := read.BuildDefinition.InternalParameters; !maps.Equal(got, map[string]string{"builder": "buildkit", "platform": "linux/s390x", "build-arg:HTTPS_PROXY": "http://proxy.example.com:3128", "operator-anchor:SBS_CA_BUNDLE": strings.Repeat("0f", 32)}) {
		t.Errorf("internal parameters %v", got)
	}
	recorded, err := json.Marshal(r.Parameters)
	if err != nil {
		t.Fatal(err)
	}
	if parameters, err := json.Marshal(read.BuildDefinition.ExternalParameters); err != nil || string(parameters) != string(recorded) {
		t.Errorf("parameters %s, %v, want %s", parameters, err, recorded)
	}
	if len(r.Tools) != 6 {
		t.Errorf("the record's tools are %v now", r.Tools)
	}
}

// Builders differ by the kind of enclave only.
func TestProvenanceNamesTheEnclave(t *testing.T) {
	r := fullRecord()
	r.Enclave = "contract"
	if statement := provenanceOf(r, nil); statement.RunDetails.Builder.ID == provenanceOf(fullRecord(), nil).RunDetails.Builder.ID {
		t.Errorf("both are %s", statement.RunDetails.Builder.ID)
	}
}

func TestGitURI(t *testing.T) {
	for address, want := range map[string]string{
		"git@host:owner/repo.git":                    "git+ssh://git@host/owner/repo.git",
		"git@host:/owner/repo.git":                   "git+ssh://git@host/owner/repo.git",
		"ssh://git@host:2222/owner/repo.git":         "git+ssh://git@host:2222/owner/repo.git",
		"https://host/owner/repo.git":                "git+https://host/owner/repo.git",
		"http://127.0.0.1:3000/owner/with:colon.git": "git+http://127.0.0.1:3000/owner/with:colon.git",
	} {
		if got := gitURI(address); got != want {
			t.Errorf("%s is %s, want %s", address, got, want)
		}
	}
}
