package api

import (
	"strings"
	"testing"
)

// FuzzImagePattern: whatever the pattern and the image, there is an answer; a
// pattern hides itself, and what hides another matches all that the other does.
func FuzzImagePattern(f *testing.F) {
	f.Add("**", "docker.io/library/alpine", "docker.io/library/alpine", "3")
	f.Add("us.icr.io/*/app:1", "us.icr.io/ns/app:1", "us.icr.io/ns/app", "1")
	f.Add("registry.example.com:5000/**", "registry.example.com:5000/a/*", "registry.example.com:5000/a/b", "latest")
	f.Add("docker.io/alpine", ":", "localhost/x", "")
	f.Fuzz(func(t *testing.T, wide, narrow, repository, tag string) {
		first, problem := parsePattern(wide)
		if problem != "" {
			if strings.ContainsAny(problem, "\n\x1b") {
				t.Errorf("the problem holds control characters: %q", problem)
			}
			return
		}
		if rule := (BaseRule{Image: wide}); !rule.hides(rule) {
			t.Errorf("%q does not hide itself", wide)
		}
		second, problem := parsePattern(narrow)
		if problem != "" || !(BaseRule{Image: wide}).hides(BaseRule{Image: narrow}) {
			return
		}
		if second.matches(repository, tag) && !first.matches(repository, tag) {
			t.Errorf("%q hides %q, but only that matches %q with tag %q", wide, narrow, repository, tag)
		}
	})
}
