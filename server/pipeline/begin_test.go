package pipeline

import (
	"maps"
	"slices"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/server/buildlog"
)

// TestRecordHasTheOperatorsAnchors: the digest is that of the file, as sha256sum
// prints it; a record without any has an empty list.
func TestRecordHasTheOperatorsAnchors(t *testing.T) {
	const known = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"  // of "hello\n"
	const bundle = "e258d248fda94c63753607f7c4494ee0fcbe92f1a76bfdac795c9d84101eb317" // of "world\n"
	for _, test := range []struct {
		config Config
		want   []record.Anchor
	}{
		{Config{}, []record.Anchor{}},
		{Config{CABundle: []byte("world\n")}, []record.Anchor{{Name: "SBS_CA_BUNDLE", SHA256: bundle}}},
		{Config{KnownHosts: []byte("hello\n"), CABundle: []byte("world\n")}, []record.Anchor{{Name: "SBS_KNOWN_HOSTS", SHA256: known}, {Name: "SBS_CA_BUNDLE", SHA256: bundle}}},
	} {
		got := New(test.config).firstRecord("id", api.Parameters{}, buildlog.NewRedactor(nil)).OperatorAnchors
		if got == nil || !slices.Equal(got, test.want) {
			t.Errorf("recorded %v, want %v", got, test.want)
		}
	}
}

// The record has what the machine refused to the sandbox, and nothing of a whole one.
func TestRecordHasWhatTheSandboxLacks(t *testing.T) {
	missing := []string{"a filter of system calls (not supported)"}
	for _, want := range [][]string{nil, missing} {
		if got := New(Config{SandboxMissing: want}).firstRecord("id", api.Parameters{}, buildlog.NewRedactor(nil)).SandboxMissing; !slices.Equal(got, want) {
			t.Errorf("recorded %q, want %q", got, want)
		}
	}
}

// The record has the build arguments of the operator, without secrets.
func TestRecordHasTheOperatorsBuildArguments(t *testing.T) {
	p := New(Config{BuildArgs: map[string]string{"HTTP_PROXY": "http://proxy:3128", "NO_PROXY": ".example.com,pass-word", "HTTPS_PROXY": "http://proxy:3128"}})
	parameters := api.Parameters{Args: map[string]string{"HTTPS_PROXY": "http://other:3128"}}
	recorded := p.firstRecord("id", parameters, buildlog.NewRedactor(map[string]string{"P": "pass-word"})).BuildArgs
	if want := map[string]string{"HTTP_PROXY": "http://proxy:3128", "NO_PROXY": ".example.com,<P>"}; !maps.Equal(recorded, want) {
		t.Errorf("recorded %v, want %v", recorded, want)
	}
	b := &build{Pipeline: p, parameters: parameters}
	if got, want := b.arguments(), map[string]string{"HTTP_PROXY": "http://proxy:3128", "NO_PROXY": ".example.com,pass-word", "HTTPS_PROXY": "http://other:3128"}; !maps.Equal(got, want) {
		t.Errorf("built with %v, want %v", got, want)
	}
}
