package main

import (
	"slices"
	"strings"
	"testing"
)

func TestRegistries(t *testing.T) {
	values := map[string]string{
		envMirrors:  "https://mirror.example.com, http://10.0.0.1:5000",
		envInsecure: "registry.lab.example.com:5000,10.0.0.1:5000, localhost",
	}
	r, err := readRegistries(func(name string) string { return values[name] })
	if err != nil || !slices.Equal(r.mirrors, []string{"https://mirror.example.com", "http://10.0.0.1:5000"}) ||
		!slices.Equal(r.insecure, []string{"registry.lab.example.com:5000", "10.0.0.1:5000", "localhost"}) {
		t.Errorf("got %q, %v", r, err)
	}
	if r, err := readRegistries(func(string) string { return "" }); err != nil || len(r.mirrors)+len(r.insecure) != 0 {
		t.Errorf("got %q, %v", r, err)
	}
	for name, bad := range map[string][]string{
		envMirrors:  {"mirror.example.com", "https://", "https://user:pass-word@mirror.example.com", "ftp://mirror.example.com"},
		envInsecure: {"https://registry.example.com", "registry", "registry.example.com/namespace", "Registry.example.com:port", "a b.example.com"},
	} {
		for _, value := range bad {
			_, err := readRegistries(func(asked string) string {
				if asked == name {
					return value
				}
				return ""
			})
			if err == nil || !strings.HasPrefix(err.Error(), name) || strings.Contains(err.Error(), "pass-word") {
				t.Errorf("%s=%q: got %v", name, value, err)
			}
		}
	}
}
