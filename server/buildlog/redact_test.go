package buildlog

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
)

const sshKey = `-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
QyNTUxOQAAACDvQp1bX9N2lgWbN0Vh3n0u7M8X5cZQqBq0s4mRk9m8yAAAAJhx
-----END OPENSSH PRIVATE KEY-----
`

var planted = map[string]string{
	"DOCKER_PASSWORD": "correct horse/battery",
	"GITHUB_TOKEN":    "correct horse",
	"GITHUB_KEY":      sshKey,
	"QUOTES":          `say "friend" & enter`,
	"TINY":            "abc",
}

func TestRedact(t *testing.T) {
	r := NewRedactor(planted)
	for text, want := range map[string]string{
		"nothing here":                    "nothing here",
		"a correct horse/battery b":       "a <DOCKER_PASSWORD> b",
		"correct horse":                   "<GITHUB_TOKEN>",
		"correct horse/batterie":          "<GITHUB_TOKEN>/batterie",
		"correct+horse%2Fbattery":         "<DOCKER_PASSWORD>",
		"correct%20horse%2Fbattery":       "<DOCKER_PASSWORD>",
		"abc is too short to be a secret": "abc is too short to be a secret",
		"QyNTUxOQAAACDvQp1bX9N2lgWbN0Vh3n0u7M8X5cZQqBq0s4mRk9m8yAAAAJhx":          "<GITHUB_KEY>",
		"-----BEGIN OPENSSH PRIVATE KEY-----":                                     "-----BEGIN OPENSSH PRIVATE KEY-----",
		hex.EncodeToString([]byte("correct horse/battery")):                       "<DOCKER_PASSWORD>",
		base64.StdEncoding.EncodeToString([]byte("correct horse/battery")):        "<DOCKER_PASSWORD>",
		base64.StdEncoding.EncodeToString([]byte("correct horse/battery\n")):      "<DOCKER_PASSWORD>==",
		strings.ToUpper(hex.EncodeToString([]byte("correct horse/battery"))):      "<DOCKER_PASSWORD>",
		base64.StdEncoding.EncodeToString([]byte("user:correct horse/battery")):   "dXNlcjp<DOCKER_PASSWORD>k=",
		base64.StdEncoding.EncodeToString([]byte("u:correct horse/battery;")):     "dTp<DOCKER_PASSWORD>k7",
		`{"password":"say \"friend\" \u0026 enter"}`:                              `{"password":"<QUOTES>"}`,
		`{"password":"say \"friend\" & enter"}`:                                   `{"password":"<QUOTES>"}`,
		"x" + base64.RawURLEncoding.EncodeToString([]byte("correct horse")) + "y": "x<GITHUB_TOKEN>y",
	} {
		if got := r.Text(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	values := r.Values(map[string]any{
		"ARG":           map[string]string{"A": "correct horse"},
		"ENV_WHITELIST": []string{"correct horse"},
		"DOCKER_USER":   "correct horse",
		"GITHUB_DEPTH":  3,
	})
	for key, value := range values {
		if strings.Contains(strings.ToLower(key), "horse") || strings.Contains(toText(value), "correct horse") {
			t.Errorf("%s still holds the secret: %v", key, value)
		}
	}
}

// A password is found in the encodings of HTTP, however short it is.
func TestRedactLogins(t *testing.T) {
	r := NewRedactor(map[string]string{"DOCKER_PASSWORD": "hunter2!", "DOCKER_RO_PASSWORD": "abc"},
		api.Login{Name: "DOCKER_PASSWORD", User: "builder", Password: "hunter2!"},
		api.Login{Name: "DOCKER_RO_PASSWORD", User: "reader", Password: "abc"},
		api.Login{Name: "GITHUB_TOKEN", User: "", Password: "t?k>n"})
	for text, want := range map[string]string{
		"Authorization: Basic YnVpbGRlcjpodW50ZXIyIQ==": "Authorization: Basic <DOCKER_PASSWORD>==",
		"cmVhZGVyOmFiYw==": "<DOCKER_RO_PASSWORD>==",
		base64.URLEncoding.EncodeToString([]byte(":t?k>n")): "<GITHUB_TOKEN>",
		"abc": "abc",
	} {
		if got := r.Text(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	for _, before := range []string{"", "x", "xx"} {
		encoded := base64.StdEncoding.EncodeToString([]byte(before + "builder:hunter2!\n"))
		if got := r.Text(encoded); !strings.Contains(got, "<DOCKER_PASSWORD>") {
			t.Errorf("%q became %q", encoded, got)
		}
	}
}

// A secret is found in parameters of every type, at any depth; a value without one
// stays unchanged.
func TestRedactValues(t *testing.T) {
	r := NewRedactor(planted)
	policy := func(lookaside string) api.BasePolicy {
		return api.BasePolicy{{Image: "r.example.com/ns/base", Method: api.SigningSimple, Key: "key", Lookaside: lookaside}}
	}
	values := r.Values(map[string]any{
		"BASE_IMAGE_POLICY": policy("https://h/correct horse/"),
		"NESTED":            map[string]any{"a": []any{1, map[string]string{"correct horse": "x correct horse"}}},
		"GITHUB_DEPTH":      3,
	})
	text, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"BASE_IMAGE_POLICY":[{"image":"r.example.com/ns/base","key":"key","lookaside":"https://h/\u003cGITHUB_TOKEN\u003e/","method":"simple"}],` +
		`"GITHUB_DEPTH":3,"NESTED":{"a":[1,{"\u003cGITHUB_TOKEN\u003e":"x \u003cGITHUB_TOKEN\u003e"}]}}`; string(text) != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	same := policy("https://h/")
	if got := r.Values(map[string]any{"BASE_IMAGE_POLICY": same})["BASE_IMAGE_POLICY"]; !reflect.DeepEqual(got, same) {
		t.Errorf("a policy without a secret became %#v", got)
	}
}

func toText(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case []string:
		return strings.Join(value, " ")
	case map[string]string:
		return value["A"]
	}
	return ""
}

// FuzzRedact checks that no secret is left, wherever it is in a text.
func FuzzRedact(f *testing.F) {
	f.Add("before ", "s3cr3t", " after")
	f.Add("<", "<A>", ">")
	f.Fuzz(func(t *testing.T, before, secret, after string) {
		if len(strings.TrimSpace(secret)) < minSecret || strings.Contains("<SECRET>", strings.TrimSpace(secret)) {
			return
		}
		got := NewRedactor(map[string]string{"SECRET": secret}).Text(before + secret + after)
		// A secret that only the name and the rest form together is not one.
		if strings.Contains(strings.ReplaceAll(got, "<SECRET>", "\x00"), secret) {
			t.Errorf("%q is left in %q", secret, got)
		}
	})
}
