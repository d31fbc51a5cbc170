package api

import (
	"strings"
	"testing"
)

// A URL that carries a secret would get into logs, records and the provenance.
func TestEndpointsHoldNoSecret(t *testing.T) {
	for text, want := range map[string]string{
		"https://h.example.com/v1/":          "",
		"https://h.example.com/?token=x":     "has a query",
		"https://h.example.com/?":            "has a query",
		"https://h.example.com/#token":       "has a query or a fragment",
		"https://user:pass@h.example.com/":   "has credentials",
		"http://127.0.0.1:4443/?token=x":     "has a query",
		"https://notary.example.com?token=x": "has a query",
	} {
		for _, check := range []func(string) string{endpointURL, hostOrURL, notaryServer} {
			if got := check(text); (got == "") != (want == "") || !strings.Contains(got, want) || strings.Contains(got, "token=x") {
				t.Errorf("%s %q, want %q", text, got, want)
			}
		}
	}
}
