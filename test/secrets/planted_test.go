//go:build stack

package secrets

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/opensbs/sbs/api"
)

// planted returns a value for every secret parameter, by its name: each field of the
// type api.Secret, each object that the api package treats as secret, and each list
// that it publishes without some members. The values contain characters that encoders
// escape in different forms.
func planted(t testing.TB) map[string]any {
	t.Helper()
	var all api.Parameters
	typed := fill(reflect.ValueOf(&all).Elem())
	public := all.Public()
	wire, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]any
	if err := json.Unmarshal(wire, &values); err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(values, func(key string, value any) bool { return shownWhole(t, public[key], value) })

	// The parameters marked as secret must be those that logs are redacted for.
	known := map[string]bool{}
	for name, text := range all.Secrets() {
		typed = slices.DeleteFunc(typed, func(s string) bool { return s == text })
		known[strings.FieldsFunc(name, func(r rune) bool { return r == '.' || r == '[' })[0]] = true
	}
	if marked, redacted := slices.Sorted(maps.Keys(values)), slices.Sorted(maps.Keys(known)); !slices.Equal(marked, redacted) {
		t.Fatalf("the secret parameters are %q, but logs are redacted for %q", marked, redacted)
	}
	if len(typed) > 0 {
		t.Fatalf("%d parameters of the type api.Secret are not marked as secret", len(typed))
	}
	return values
}

// shownWhole reports whether a parameter is published with all its members.
func shownWhole(t testing.TB, shown, given any) bool {
	t.Helper()
	first, err := json.Marshal(shown)
	if err != nil {
		t.Fatal(err)
	}
	var decoded any // of the same types as given
	if err := json.Unmarshal(first, &decoded); err != nil {
		t.Fatal(err)
	}
	return reflect.DeepEqual(decoded, given)
}

// plant returns a new random value, long enough to be unique.
func plant() string { return `sbs "` + rand.Text() + `" <&'/+~ ` + rand.Text() }

// fill plants a value in every string of v, and returns the values of the type
// api.Secret.
func fill(v reflect.Value) (typed []string) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			typed = append(typed, fill(v.Field(i))...)
		}
	case reflect.String:
		v.SetString(plant())
		if v.Type() == reflect.TypeFor[api.Secret]() {
			typed = append(typed, v.String())
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		typed = fill(v.Index(0))
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"PLANTED": plant()}))
	}
	return typed
}

// list returns the secrets in parameters.
func list(parameters map[string]any) (found []secret) {
	for key, value := range parameters {
		switch value := value.(type) {
		case string:
			found = append(found, secret{key, value})
		case map[string]any:
			for name, text := range value {
				found = append(found, secret{key + "." + name, text.(string)})
			}
		case []any: // objects with some secret members
			for i, object := range value {
				for _, name := range []string{"key", "token"} {
					if text, has := object.(map[string]any)[name]; has {
						found = append(found, secret{fmt.Sprintf("%s[%d].%s", key, i, name), text.(string)})
					}
				}
			}
		}
	}
	return found
}

// plantedLine returns a new random value that needs no quotes in an environment or a
// URL.
func plantedLine() string { return "sbs-" + rand.Text() + rand.Text() }

// Secrets of the operator, and a token that is part of a URL.
var (
	urlToken      = plantedLine()
	proxyPassword = plantedLine()
	// The simulated enclave doesn't use the image secrets of a contract, but they must
	// not leak either. The server refuses IMAGE_SECRET together with it.
	contract = map[string]string{"IMAGE_SECRET_PREVIOUS": plantedLine()}
)

// operatorSecrets returns the secrets of the operator, the server's own, and that token.
func (env *environment) operatorSecrets(t testing.TB) []secret {
	t.Helper()
	found := []secret{
		{"the token in the URL", urlToken},
		{"the proxy's password", proxyPassword},
		{"the server's TLS key", env.tlsKey(t)},
		{"the simulated enclave's image secret", env.enclaveFile(t, "image-secret")},
		{"the image's OpenPGP key", env.enclaveFile(t, "server-image-private.asc")},
	}
	for name, value := range contract {
		found = append(found, secret{name, value})
	}
	return found
}

// newSSHKey returns a private key in OpenSSH's format that no Git server accepts.
func newSSHKey(t testing.TB) string {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "secrets test")
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(block))
}
