package registry

import (
	"net/http"
	"testing"
)

func TestPlainHTTPOnlyToLoopback(t *testing.T) {
	for url, taken := range map[string]bool{
		"https://registry.example.com/v2/": true,
		"http://127.0.0.1:5000/v2/":        true,
		"http://localhost:5000/v2/":        true,
		"http://[::1]:5000/v2/":            true,
		"http://registry.example.com/v2/":  false,
		"http://192.168.0.1:5000/v2/":      false,
		"http://localhost.example.com/":    false,
		"http://registry.local:5000/v2/":   false,
		"ftp://127.0.0.1/":                 false,
		"http://lab.example.com:5000/v2/":  true,
		"http://lab.example.com/v2/":       false,
	} {
		request, err := http.NewRequest(http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := checkScheme(request, []string{"lab.example.com:5000"}); (err == nil) != taken {
			t.Errorf("%s: %v", url, err)
		}
	}
}
