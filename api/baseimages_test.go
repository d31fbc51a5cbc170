package api

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

const notary = "https://notary.example.com"

var someDigest = "sha256:" + strings.Repeat("0a", 32)

func rule(more ...string) map[string]any {
	values := map[string]any{"image": "us.icr.io/ns/*", "method": "sigstore", "key": "PEM"}
	for i := 0; i < len(more); i += 2 {
		if more[i+1] == "" {
			delete(values, more[i])
			continue
		}
		values[more[i]] = more[i+1]
	}
	return values
}

func TestBasePolicyAccepted(t *testing.T) {
	policy := []any{
		rule(),
		rule("image", "us.icr.io/other/app:1.0", "method", "simple", "lookaside", "https://signatures.example.com/"),
		rule("image", "docker.io/library/*", "method", "digest", "key", "\n"+someDigest+", "+someDigest),
		map[string]any{"image": "docker.io/ns/**", "method": "digest", "key": []string{someDigest}},
		rule("image", "**", "method", "dct", "server", notary, "key", ""),
	}
	p, err := parse(t, with("BASE_IMAGE_POLICY", policy))
	if err != nil {
		t.Fatal(err)
	}
	rules := p.BaseRules()
	if len(rules) != 5 || rules[4].Server != notary || len(rules[2].Digests()) != 2 || rules[3].Digests()[0] != someDigest || rules[0].Parameter != "BASE_IMAGE_POLICY" {
		t.Errorf("%+v", rules)
	}
	wire, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseParameters(wire)
	if err != nil || !reflect.DeepEqual(again.BasePolicy, p.BasePolicy) {
		t.Errorf("restored as %+v, %v", again.BasePolicy, err)
	}
	if public := p.Public(); public["BASE_IMAGE_POLICY"] == nil {
		t.Errorf("the record has the parameters %v", public)
	}
}

func TestBasePolicyRefused(t *testing.T) {
	many := make([]any, 101)
	for i := range many {
		many[i] = rule("image", fmt.Sprintf("example.com/i%d", i))
	}
	for name, test := range map[string]struct {
		policy any
		says   string
	}{
		"a text":                     {"**", "not a list"},
		"empty":                      {[]any{}, "allow no base image"},
		"too many":                   {many, "more than 100"},
		"no object":                  {[]any{"**"}, "rule 1 is not understood"},
		"unknown member":             {[]any{rule(), rule("image", "a.b/c", "key_file", "x")}, `rule 2 is not understood: json: unknown field "key_file"`},
		"key is a number":            {[]any{map[string]any{"image": "**", "method": "simple", "key": 1}}, "neither a text nor a list"},
		"unknown method":             {[]any{rule("method", "gpg")}, `"gpg" is none of`},
		"no method":                  {[]any{rule("method", "")}, "is none of"},
		"sigstore-legacy":            {[]any{rule("method", "sigstore-legacy")}, "is none of"},
		"no image":                   {[]any{rule("image", "")}, "image"},
		"no key":                     {[]any{rule("key", "")}, "key is missing"},
		"no digest":                  {[]any{rule("method", "digest", "key", "sha256:0a")}, "64 hex digits"},
		"no notary server":           {[]any{rule("method", "dct")}, "server is missing"},
		"bad notary server":          {[]any{rule("method", "dct", "server", "http://notary.example.com")}, "not an https URL"},
		"notary server without use":  {[]any{rule("server", notary)}, "for the method dct only"},
		"lookaside without use":      {[]any{rule("lookaside", "https://a.b/")}, "for the method simple only"},
		"lookaside in clear":         {[]any{rule("method", "simple", "lookaside", "http://a.b/")}, "not an https URL"},
		"hidden":                     {[]any{rule("image", "us.icr.io/**"), rule()}, "us.icr.io/ns/* (sigstore) is never reached: that for us.icr.io/** (sigstore)"},
		"the same twice":             {[]any{rule(), rule()}, "never reached"},
		"a part hidden by a star":    {[]any{rule("image", "*/ns/app"), rule("image", "a.b/ns/app:1")}, "never reached"},
		"rest hidden by rest":        {[]any{rule("image", "*/ns/**"), rule("image", "a.b/ns/app/**")}, "never reached"},
		"name without registry":      {[]any{rule("image", "alpine")}, "docker.io/library/alpine"},
		"namespace without registry": {[]any{rule("image", "ns/app")}, "not a full name"},
		"official without library":   {[]any{rule("image", "docker.io/alpine")}, "docker.io/library/name"},
		"registry alone":             {[]any{rule("image", "us.icr.io")}, "add /**"},
		"digest":                     {[]any{rule("image", "us.icr.io/ns/app@"+someDigest)}, "not an image name"},
		"star within a part":         {[]any{rule("image", "us.icr.io/ns/a*")}, "whole parts"},
		"stars in the middle":        {[]any{rule("image", "us.icr.io/**/app")}, "whole parts"},
		"star as tag":                {[]any{rule("image", "us.icr.io/ns/app:*")}, "no valid tag"},
		"capitals":                   {[]any{rule("image", "us.icr.io/NS/app")}, "whole parts"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parse(t, with("BASE_IMAGE_POLICY", test.policy))
			wrong := parameterError(err)
			if wrong == nil || wrong.Key != "BASE_IMAGE_POLICY" || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v, want one with %q", err, test.says)
			}
		})
	}
}

func TestPatterns(t *testing.T) {
	for _, test := range []struct {
		pattern, repository, tag string
		want                     bool
	}{
		{"docker.io/library/alpine", "docker.io/library/alpine", "3.20", true},
		{"docker.io/library/alpine", "docker.io/library/alpine", "", true},
		{"index.docker.io/library/alpine", "docker.io/library/alpine", "", true},
		{"docker.io/library/alpine", "docker.io/library/alpine2", "3.20", false},
		{"docker.io/library/alpine:3.20", "docker.io/library/alpine", "3.20", true},
		{"docker.io/library/alpine:3.20", "docker.io/library/alpine", "3.21", false},
		{"docker.io/library/alpine:3.20", "docker.io/library/alpine", "", false},
		{"docker.io/library/*", "docker.io/library/alpine", "1", true},
		{"docker.io/library/*", "docker.io/library/a/b", "1", false},
		{"docker.io/*/alpine", "docker.io/other/alpine", "1", true},
		{"docker.io/library/**", "docker.io/library/a/b", "1", true},
		{"docker.io/library/**", "docker.io/library", "1", false},
		{"docker.io/**", "evil.docker.io/library/alpine", "1", false},
		{"localhost:5000/app:1", "localhost:5000/app", "1", true},
		{"localhost:5000/**", "localhost:5001/app", "1", false},
		{"*/ns/app", "a.b:1/ns/app", "1", true},
		{"**", "docker.io/library/alpine", "1", true},
		{"**:1", "docker.io/library/alpine", "1", true},
		{"**:1", "docker.io/library/alpine", "2", false},
		{"not a pattern", "not a pattern", "", false},
	} {
		if got := (BaseRule{Image: test.pattern}).Covers(test.repository, test.tag); got != test.want {
			t.Errorf("%q covers %s:%s: %v", test.pattern, test.repository, test.tag, got)
		}
	}
}

func TestShortFormsOfThePolicy(t *testing.T) {
	for name, test := range map[string]struct {
		given map[string]any
		want  []string // image method key server
		key   string   // of the error
		says  string
	}{
		"none":                     {nil, nil, "", ""},
		"off":                      {map[string]any{"DOCKER_CONTENT_TRUST_BASE": "False", "DOCKER_CONTENT_TRUST_BASE_SERVER": notary}, nil, "", ""},
		"content trust":            {map[string]any{"DOCKER_CONTENT_TRUST_BASE": "True", "DOCKER_CONTENT_TRUST_BASE_SERVER": notary}, []string{"** dct  " + notary}, "", ""},
		"content trust, no server": {map[string]any{"DOCKER_CONTENT_TRUST_BASE": "True"}, nil, "DOCKER_CONTENT_TRUST_BASE", "notary.docker.io, the default of the original, shuts down on 8 December 2026"},
		"simple":                   {map[string]any{"ICR_BASE_REPO": "us.icr.io/ns/base:1", "BASE_REPO_PUBLIC_KEY": "PGP"}, []string{"us.icr.io/ns/base:1 simple PGP "}, "", ""},
		"simple, as in the guide":  {map[string]any{"ICR_BASE_REPO": "us.icr.io/ns/base", "BASE_REPO_PUBLIC_KEY": "PGP", "DOCKER_CONTENT_TRUST_BASE": "True", "DOCKER_CONTENT_TRUST_BASE_SERVER": "us.icr.io"}, []string{"us.icr.io/ns/base simple PGP "}, "", ""},
		"simple without key":       {map[string]any{"ICR_BASE_REPO": "us.icr.io/ns/base"}, nil, "ICR_BASE_REPO", "without the key"},
		"no name of an image":      {map[string]any{"ICR_BASE_REPO": "base", "BASE_REPO_PUBLIC_KEY": "PGP"}, nil, "ICR_BASE_REPO", "not a full name"},
		"sigstore":                 {map[string]any{"BASE_IMAGE_SIGSTORE_KEY": sigstoreKey, "DOCKER_BASE_SERVER": "us.icr.io"}, []string{"us.icr.io/** sigstore " + sigstoreKey + " "}, "", ""},
		"sigstore, Docker Hub":     {map[string]any{"BASE_IMAGE_SIGSTORE_KEY": sigstoreKey}, []string{"docker.io/** sigstore " + sigstoreKey + " "}, "", ""},
		"all of them": {map[string]any{
			"BASE_IMAGE_POLICY": []any{rule("image", "a.b/c")}, "ICR_BASE_REPO": "us.icr.io/ns/base", "BASE_REPO_PUBLIC_KEY": "PGP", "BASE_IMAGE_SIGSTORE_KEY": sigstoreKey,
		}, []string{"a.b/c sigstore PEM ", "us.icr.io/ns/base simple PGP ", "docker.io/** sigstore " + sigstoreKey + " "}, "", ""},
		"contradiction": {map[string]any{
			"BASE_IMAGE_POLICY": []any{rule("image", "us.icr.io/**")}, "ICR_BASE_REPO": "us.icr.io/ns/base", "BASE_REPO_PUBLIC_KEY": "PGP",
		}, nil, "ICR_BASE_REPO", "never reached"},
	} {
		t.Run(name, func(t *testing.T) {
			values := good()
			for key, value := range test.given {
				values[key] = value
			}
			p, err := parse(t, values)
			if test.key != "" {
				if wrong := parameterError(err); wrong == nil || wrong.Key != test.key || !strings.Contains(err.Error(), test.says) {
					t.Errorf("error %v", err)
				}
				return
			}
			var rules []string
			for _, r := range p.BaseRules() {
				rules = append(rules, fmt.Sprint(r.Image, " ", r.Method, " ", r.Key, " ", r.Server))
			}
			if err != nil || !reflect.DeepEqual(rules, test.want) {
				t.Errorf("%q, %v", rules, err)
			}
		})
	}
}

const sigstoreKey = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEkfDwgCYIOtT6I5VrxJ+4SQWNIzqU
RXlkxWPBEcW1IPspE0xkJ+zyzQKewGpTeVsH21FXfNyQS6zNl5HpHJ976w==
-----END PUBLIC KEY-----
`
