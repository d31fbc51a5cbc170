package api

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// What is hard to see means nothing, for every key that takes one line of text.
func TestSpaceAroundValuesIsTrimmed(t *testing.T) {
	values := map[string]any{}
	for key, value := range map[string]any{
		"GITHUB_URL": "https://host/o/r.git", "DOCKER_REPO": "namespace/name", "DOCKER_USER": "user",
		"GITHUB_BRANCH": "main", "DOCKER_PUSH_SERVER": "us.icr.io", "IMAGE_TAG_PREFIX": "v1", "DOCKERFILE_PATH": "a/Dockerfile",
		"DOCKER_BUILD_PATH": "a", "RUNTIME_TYPE": "vpc", "REPO_ID": "id", "BUILD_IMAGE_TAG": "1", "GITHUB_USER": "u", "GITHUB_TOKEN": "",
		"GITHUB_DEPTH": "3", "GITHUB_RECURSE_SUBMODULES": "True", "BUILDS_KEPT_SIZE": "1GiB", "PROGRESS_TIMEOUT": "5m",
		"DOCKER_CONTENT_TRUST_PUSH_SERVER": "https://notary.example.com", "MANIFEST_BUCKET_NAME": "", "IMAGE_SIGNING": "dct",
	} {
		values[key] = value
	}
	p, err := parse(t, withSecrets(values))
	if err != nil {
		t.Fatal(err)
	}
	spaced := map[string]any{}
	for key, value := range values {
		spaced[key] = " \t" + value.(string) + "\r\n "
	}
	delete(spaced, "GITHUB_TOKEN")
	again, err := parse(t, withSecrets(spaced))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(p, again) {
		t.Errorf("%+v became %+v", p, again)
	}
	list, err := parse(t, with("ENV_WHITELIST", []string{" A ", "B\n"}))
	if err != nil || !slices.Equal(list.EnvWhitelist, []string{"A", "B"}) {
		t.Errorf("ENV_WHITELIST is %q, %v", list.EnvWhitelist, err)
	}
	key := "line\nline\n"
	if p, err := parse(t, with("GITHUB_KEY", key)); err != nil || string(p.GitHubKey) != key {
		t.Errorf("a text of several lines became %q, %v", string(p.GitHubKey), err)
	}
}

func withSecrets(values map[string]any) map[string]any {
	values = maps.Clone(values)
	values["SECRET"], values["DOCKER_PASSWORD"] = goodSecret, "pass word"
	return values
}

func TestRegistriesMayBeWrittenAsURLs(t *testing.T) {
	for given, want := range map[string]string{
		"https://us.icr.io":            "us.icr.io",
		"HTTPS://us.icr.io/":           "us.icr.io",
		"us.icr.io/":                   "us.icr.io",
		"https://r.example.com:5000/":  "r.example.com:5000",
		"https://index.docker.io/v1/":  DockerHub,
		"index.docker.io/v1/":          DockerHub,
		"https://r.example.com/v2/":    "r.example.com",
		"[::1]:5000":                   "[::1]:5000",
		"https://[2001:db8::5]":        "[2001:db8::5]",
		"https://registry-1.docker.io": DockerHub,
	} {
		values := with("DOCKER_PUSH_SERVER", given)
		values["DOCKER_BASE_SERVER"] = given
		p, err := parse(t, values)
		if err != nil || p.Registry() != want || p.BaseRegistry() != want {
			t.Errorf("%s is %q and %q, %v", given, p.Registry(), p.BaseRegistry(), err)
		}
	}
	values := with("DOCKER_PUSH_SERVER", "https://us.icr.io/")
	values["DOCKER_REPO"] = "us.icr.io/ns/app"
	if _, err := parse(t, values); err == nil || !strings.Contains(err.Error(), `write "ns/app"`) {
		t.Errorf("the registry was given twice: %v", err)
	}
}

func TestAKeyWithoutAnImageIsIgnored(t *testing.T) {
	p, err := parse(t, with("BASE_REPO_PUBLIC_KEY", "a key"))
	if err != nil || len(p.BaseRules()) != 0 {
		t.Errorf("%v, %v", p.BaseRules(), err)
	}
	if warnings := p.Warnings(); len(warnings) != 1 || !strings.Contains(warnings[0], "ICR_BASE_REPO names no image") {
		t.Errorf("%q", warnings)
	}
}
