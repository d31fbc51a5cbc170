package api

import (
	"strings"
	"testing"
)

func TestWarningsNameBuildArgumentsLikeCredentials(t *testing.T) {
	for name, value := range map[string]string{
		"NPM_TOKEN":             "x",
		"npm_token":             "x",
		"DB_PASSWORD":           "x",
		"dbPassword":            "x",
		"CLIENT_SECRET":         "x",
		"API_KEY":               "x",
		"SSH_PRIVATE_KEY":       "x",
		"AWS_ACCESS_KEY_ID":     "x",
		"GITHUB_PAT":            "x",
		"TOKEN":                 "x",
		"REGISTRY_CREDENTIALS":  "x",
		"PIP_INDEX_URL":         "https://ci:s3cret@pypi.example.com/simple",
		"EMPTY_USER_URL":        "https://:s3cret@pypi.example.com/simple",
		"A":                     "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn",
		"B":                     "-----BEGIN PGP PRIVATE KEY BLOCK-----",
		"C":                     "ghp_0123456789abcdefghij0123456789abcdef",
		"D":                     "github_pat_0123456789abcdefghij",
		"E":                     "glpat-0123456789abcdefghij",
		"F":                     "xoxb-0123456789-abcdef",
		"G":                     "AKIAIOSFODNN7EXAMPLE",
		"H":                     "npm_0123456789abcdefghij0123456789abcdef",
		"I":                     "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.x",
		"PACKAGE_MANAGER_CONF":  "//registry.example.com/:_authToken=npm_0123456789abcdefghij0123456789abcdef",
		"HTTP_PROXY":            "http://user:s3cret@proxy.example.com:3128",
		"GOOGLE_MAPS":           "AIza0123456789abcdefghij0123456789abcde",
		"DOCKER_HUB":            "dckr_pat_0123456789abcdefghij",
		"AWS_SECRET_ACCESS_KEY": "x",
	} {
		warnings := Parameters{Args: map[string]string{name: value}}.Warnings()
		if len(warnings) != 1 || !strings.Contains(warnings[0], "ARG "+name+" ") || !strings.Contains(warnings[0], "published in the provenance") {
			t.Errorf("%s=%s: %q", name, value, warnings)
		}
		if len(value) > 1 && len(warnings) > 0 && strings.Contains(warnings[0], value) {
			t.Errorf("%s: its value is in %q", name, warnings[0])
		}
	}
}

func TestNoWarningsForOtherBuildArguments(t *testing.T) {
	for name, value := range map[string]string{
		"VERSION":        "1.2.3",
		"NPM_TOKEN":      "", // nothing is published
		"PUBLIC_KEY":     "ssh-ed25519 AAAA",
		"AWS_REGION":     "eu-central-1",
		"KEYBOARD":       "de",
		"MONKEY":         "x",
		"TOKENIZER":      "bpe",
		"PATH":           "/usr/bin",
		"REPO":           "https://github.com/o/r.git",
		"REPO_SSH":       "ssh://git@github.com:22/o/r.git",
		"CERTIFICATE":    "-----BEGIN CERTIFICATE-----",
		"HTTP_PROXY":     "http://proxy.example.com:3128",
		"IMAGE":          "registry.example.com:5000/app@sha256:00",
		"TIME":           "https://example.com/at:12@x",
		"COMPATIBLE_PWM": "x",
	} {
		if warnings := (Parameters{Args: map[string]string{name: value}}).Warnings(); len(warnings) != 0 {
			t.Errorf("%s=%s: %q", name, value, warnings)
		}
	}
}
