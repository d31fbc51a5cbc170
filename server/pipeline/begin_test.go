package pipeline

import (
	"maps"
	"testing"

	"github.com/opensbs/sbs/api"
)

// The record has what the steps get beside ARG, without secrets.
func TestRecordHasTheOperatorsBuildArguments(t *testing.T) {
	p := New(Config{BuildArgs: map[string]string{"HTTP_PROXY": "http://proxy:3128", "NO_PROXY": ".example.com,pass-word", "HTTPS_PROXY": "http://proxy:3128"}})
	parameters := api.Parameters{Args: map[string]string{"HTTPS_PROXY": "http://other:3128"}}
	recorded := p.firstRecord("id", parameters, newRedactor(map[string]string{"P": "pass-word"})).BuildArgs
	if want := map[string]string{"HTTP_PROXY": "http://proxy:3128", "NO_PROXY": ".example.com,<P>"}; !maps.Equal(recorded, want) {
		t.Errorf("recorded %v, want %v", recorded, want)
	}
	b := &build{Pipeline: p, parameters: parameters}
	if got, want := b.arguments(), map[string]string{"HTTP_PROXY": "http://proxy:3128", "NO_PROXY": ".example.com,pass-word", "HTTPS_PROXY": "http://other:3128"}; !maps.Equal(got, want) {
		t.Errorf("built with %v, want %v", got, want)
	}
}
