package api

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
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
