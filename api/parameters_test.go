package api

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

var goodSecret = base64.StdEncoding.EncodeToString(make([]byte, 128))

// good is the least that init takes.
func good() map[string]any {
	return map[string]any{
		"RUNTIME_TYPE":    "vpc",
		"GITHUB_URL":      "git@github.com:owner/repo.git",
		"DOCKER_REPO":     "namespace/name",
		"DOCKER_USER":     "user",
		"DOCKER_PASSWORD": "pass-word",
		"SECRET":          goodSecret,
	}
}

func parse(t *testing.T, values map[string]any) (Parameters, error) {
	t.Helper()
	body, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	return ParseParameters(body)
}

func with(key string, value any) map[string]any {
	values := maps.Clone(good())
	values[key] = value
	return values
}

func TestParametersRefused(t *testing.T) {
	tests := []struct {
		key   string
		value any
		says  string
	}{
		{"COLOUR", "blue", "no such parameter"},
		{"docker_repo", "a/b", "no such parameter"},
		{"SECRETS", map[string]string{"A": "b"}, "contract's env section"},
		{"BUILD_SCRIPT", "make", "RUN line"},
		{"BUILD_DIR", "sub", "DOCKER_BUILD_PATH"},
		{"RUNTIME_TYPE", "cloud", "vpc, on-prem or classic"},
		{"REPO_ID", strings.Repeat("x", 129), "longer"},
		{"SECRET", "", "is missing"},
		{"SECRET", "c2hvcnQ=", "too short"},
		{"SECRET", "%%%", "not base64"},
		{"NEW_SECRET", goodSecret, "same as SECRET"},
		{"EXIT_NONZERO", "perhaps", "True or False"},
		{"GITHUB_URL", nil, "is missing"},
		{"GITHUB_URL", 7, "not a text"},
		{"GITHUB_URL", "https://host/a\nb", "line break"},
		{"GITHUB_BRANCH", "-upload-pack=x", "git allows"},
		{"GITHUB_BRANCH", "a..b", "git allows"},
		{"GITHUB_KNOWN_HOSTS", "host only-two", "line 1"},
		{"GITHUB_CA", "not a certificate", "holds no PEM block CERTIFICATE"},
		{"GITHUB_DEPTH", "0", "1 to 1000000"},
		{"GITHUB_DEPTH", -1, "1 to 1000000"},
		{"GITHUB_RECURSE_SUBMODULES", "yes", "True or False"},
		{"DOCKER_REPO", "Name/Space", "capital letters"},
		{"DOCKER_REPO", "name/space:tag", "tag"},
		{"DOCKER_REPO", "../x", "not a repository name"},
		{"DOCKER_REPO", "alone", "no repository of Docker Hub"},
		{"DOCKER_REPO", "docker.io/ns/app", `repeats the registry, which is docker.io already; write "ns/app"`},
		{"DOCKER_REPO", "us.icr.io/ns/app", `write "ns/app", and "us.icr.io" into DOCKER_PUSH_SERVER`},
		{"DOCKER_PUSH_SERVER", "http://us.icr.io", "is a URL, and not of https"},
		{"DOCKER_PUSH_SERVER", "https://us.icr.io/ns", `write "us.icr.io", and "ns" where`},
		{"DOCKER_PUSH_SERVER", "::1", `write "[::1]", or "[::1]:PORT"`},
		{"DOCKER_BASE_SERVER", "2001:db8::5:5000", "without brackets"},
		{"DOCKER_BASE_SERVER", "[::1", "not an IPv6 address in brackets"},
		{"DOCKER_BASE_SERVER", "[localhost]", "not an IPv6 address in brackets"},
		{"MANIFEST_COS_ENDPOINT", "::1", "without brackets"},
		{"DOCKER_PASSWORD", "pw ", "DOCKER_PASSWORD: begins or ends with white space"},
		{"GITHUB_TOKEN", "\ttoken", "GITHUB_TOKEN: begins or ends with white space"},
		{"SECRET", goodSecret + "\n", "SECRET: begins or ends with white space"},
		{"SECRET", "bXlzZWNyZXQ=", "initialise this server with a new one"},
		{"DOCKER_PUSH_SERVER", "host:99999", "port"},
		{"DOCKER_PUSH_SERVER", "bad_host!", "host name"},
		{"DOCKER_BASE_USER", "user", "DOCKER_BASE_PASSWORD"},
		{"DOCKER_RO_PASSWORD", "word", "DOCKER_RO_USER"},
		{"IMAGE_TAG_PREFIX", ".v1", "begin an image tag"},
		{"DOCKERFILE_PATH", "/etc/passwd", "absolute"},
		{"DOCKERFILE_PATH", "a/../../b", "leaves the repository"},
		{"DOCKER_BUILD_PATH", "..", "leaves the repository"},
		{"DOCKER_BUILD_PATH", "sub/.GIT/x", "inside .git"},
		{"ARG", map[string]any{"A=B": "c"}, "letters, digits"},
		{"ARG", map[string]any{"A": []int{1}}, "not a text"},
		{"ARG", "A=b", "not an object"},
		{"ENV_WHITELIST", []string{"<KEY1>"}, "letters, digits"},
		{"ENV_WHITELIST", "A", "not a list"},
		{"DOCKER_CONTENT_TRUST_PUSH_SERVER", "http://notary.example.com", "https"},
		{"DOCKER_CONTENT_TRUST_PUSH_SERVER", "https://user:word@host", "credentials"},
		{"MANIFEST_BUCKET_NAME", "UPPER", "bucket name"},
		{"STATE_COS_ENDPOINT", "ftp://host", "https"},
	}
	for _, test := range tests {
		t.Run(fmt.Sprint(test.key, "=", test.value), func(t *testing.T) {
			_, err := parse(t, with(test.key, test.value))
			var wrong *ParameterError
			if !errors.As(err, &wrong) {
				t.Fatalf("got %v, want a ParameterError", err)
			}
			if !strings.Contains(err.Error(), test.says) {
				t.Errorf("%q does not say %q", err, test.says)
			}
			if !strings.HasPrefix(err.Error(), wrong.Key+": ") {
				t.Errorf("%q does not begin with its key", err)
			}
		})
	}
}

func TestParameterErrorsHoldNoSecret(t *testing.T) {
	const planted = "planted-secret-value"
	for _, f := range fields {
		if !f.secret {
			continue
		}
		for _, value := range []any{planted + "\x00", planted + "\n\x01", strings.Repeat(planted, 10_000), []string{planted}, map[string]any{"A": []string{planted}}} {
			if _, err := parse(t, with(f.key, value)); err != nil && strings.Contains(err.Error(), planted) {
				t.Errorf("%s: %v", f.key, err)
			}
		}
	}
	for _, url := range []string{"https://user:" + planted + "@ho st/x", "https://" + planted + "@host:port:port/x", "https://user:" + planted + "@host/%zz"} {
		if _, err := parse(t, with("GITHUB_URL", url)); err != nil && strings.Contains(err.Error(), planted) {
			t.Errorf("GITHUB_URL: %v", err)
		}
	}
}

func TestParametersAccepted(t *testing.T) {
	values := good()
	maps.Copy(values, map[string]any{
		"GITHUB_RECURSE_SUBMODULES": "tRuE",
		"GITHUB_DEPTH":              "12",
		"ARG":                       map[string]any{"PORT": 8080, "DEBUG": true, "NAME": "x y"},
		"ENV_WHITELIST":             []string{"A", "B_2"},
		"DOCKER_BASE_USER":          "",
		"DOCKER_BASE_PASSWORD":      "",
		"GITHUB_KEY":                "",
		"ISV_SECRET":                map[string]any{},
		"BUILD_SCRIPT":              "",
		"DOCKER_PUSH_SERVER":        "us.icr.io",
	})
	p, err := parse(t, values)
	if err != nil {
		t.Fatal(err)
	}
	if !p.Submodules || p.Depth() != 12 || p.Repository() != "us.icr.io/namespace/name" {
		t.Errorf("got %+v", p)
	}
	if want := map[string]string{"PORT": "8080", "DEBUG": "true", "NAME": "x y"}; !maps.Equal(p.Args, want) {
		t.Errorf("ARG is %v, want %v", p.Args, want)
	}
}

// TestFormattingShowsNoSecret checks that no verb and no logger prints one.
func TestFormattingShowsNoSecret(t *testing.T) {
	p, err := parse(t, good())
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if text := fmt.Sprintf(verb, p); strings.Contains(text, "pass-word") || strings.Contains(text, goodSecret) {
			t.Errorf("%s shows a secret: %s", verb, text)
		}
	}
}

func TestURLCredentialsAreRemoved(t *testing.T) {
	const token = "glpat-0123456789abcdefghij"
	for _, test := range []struct{ url, givenUser, givenToken, user, token string }{
		{"https://" + token + "@host/o/r.git", "", "", "", token},
		{"https://" + token + "@host/o/r.git", "", token, "", token},
		{"https://user:token@host/o/r.git", "", "", "user", "token"},
		{"https://host/o/r.git", "", "", "", ""},
		{"https://contoso@host/o/r.git", "", "", "contoso", ""},
		{"https://contoso@host/o/r.git", "", "pat", "contoso", "pat"},
		{"https://contoso@host/o/r.git", "ada", "pat", "ada", "pat"},
		{"https://a-quite-long-organization@host/o/r.git", "", "pat", "a-quite-long-organization", "pat"},
		{"https://a-quite-long-organization@host/o/r.git", "a-quite-long-organization", "", "a-quite-long-organization", ""},
	} {
		values := with("GITHUB_URL", test.url)
		values["GITHUB_USER"], values["GITHUB_TOKEN"] = test.givenUser, test.givenToken
		p, err := parse(t, values)
		if err != nil {
			t.Fatal(err)
		}
		if p.GitHubURL != "https://host/o/r.git" || p.GitHubUser != test.user || string(p.GitHubToken) != test.token {
			t.Errorf("%+v: URL %s, user %q, token %q", test, p.GitHubURL, p.GitHubUser, string(p.GitHubToken))
		}
	}
}

func TestImageTag(t *testing.T) {
	const commit = "ad52e76f00112233445566778899aabbccddeeff"
	if tag := (Parameters{ImageTagPrefix: "s390x-v1"}).ImageTag(commit); tag != "s390x-v1-ad52e76" {
		t.Error(tag)
	}
	if tag := (Parameters{}).ImageTag(commit); tag != "ad52e76" {
		t.Error(tag)
	}
}

// TestEveryFieldIsReached checks that no field of Parameters was left out of the
// table, and none is there twice.
func TestEveryFieldIsReached(t *testing.T) {
	var p Parameters
	reached := map[any]string{}
	for _, f := range fields {
		if other, twice := reached[f.at(&p)]; twice {
			t.Errorf("%s and %s are the same field", f.key, other)
		}
		reached[f.at(&p)] = f.key
	}
	var missing func(value reflect.Value, name string)
	missing = func(value reflect.Value, name string) {
		if value.Kind() == reflect.Struct {
			for i := range value.NumField() {
				missing(value.Field(i), name+"."+value.Type().Field(i).Name)
			}
			return
		}
		if _, ok := reached[value.Addr().Interface()]; !ok {
			t.Errorf("%s has no key", name)
		}
	}
	missing(reflect.ValueOf(&p).Elem(), "Parameters")
}

// FuzzParameters checks that what is taken is written and taken again as the
// same, which is how parameters survive a restart, and that nothing panics.
func FuzzParameters(f *testing.F) {
	body, err := json.Marshal(good())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte(`{"ARG":{"A":1e3},"GITHUB_URL":"https://u:p@h/x"}`))
	f.Add([]byte(`""`))
	f.Add([]byte(`{"SECRETS":null,"ENV_WHITELIST":[]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		first, err := ParseParameters(body)
		if err != nil {
			return
		}
		written, err := json.Marshal(first)
		if err != nil {
			t.Fatal(err)
		}
		second, err := ParseParameters(written)
		if err != nil {
			t.Fatalf("%s: %v", written, err)
		}
		if !reflect.DeepEqual(first, second) {
			t.Fatalf("%#v became %#v", first, second)
		}
		for key := range first.Public() {
			if _, secret := first.Secrets()[key]; secret {
				t.Fatalf("%s is both public and secret", key)
			}
		}
	})
}

func TestTimeLimits(t *testing.T) {
	limits := func(progress, build string) (p Parameters, err error) {
		body := good()
		body["PROGRESS_TIMEOUT"], body["BUILD_TIMEOUT"] = progress, build
		return parse(t, body)
	}
	for text, want := range map[string]time.Duration{"": 5 * time.Minute, "0": 0, "90s": 90 * time.Second, "1h30m": 90 * time.Minute, "168h": 168 * time.Hour} {
		p, err := limits(text, text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := p.ProgressTimeout(); got != want {
			t.Errorf("PROGRESS_TIMEOUT %q is %v, not %v", text, got, want)
		}
		if text == "" {
			want = 0
		}
		if got := p.BuildTimeout(); got != want {
			t.Errorf("BUILD_TIMEOUT %q is %v, not %v", text, got, want)
		}
	}
	for _, text := range []string{"5", "-1s", "1.5s", "1ms", "169h", "five minutes", "9999999999h"} {
		if _, err := limits("", text); err == nil {
			t.Errorf("BUILD_TIMEOUT %q was accepted", text)
		}
	}
}

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
