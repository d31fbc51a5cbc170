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

// planted is a value for every secret parameter there is, by its key: each field
// of the type api.Secret, each object that the api package counts as secret, and
// each list that it publishes without some members. The characters are those that
// encoders write in more than one way.
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

	// What the table marks must be what logs are cleaned of.
	known := map[string]bool{}
	for name, text := range all.Secrets() {
		typed = slices.DeleteFunc(typed, func(s string) bool { return s == text })
		known[strings.FieldsFunc(name, func(r rune) bool { return r == '.' || r == '[' })[0]] = true
	}
	if marked, cleaned := slices.Sorted(maps.Keys(values)), slices.Sorted(maps.Keys(known)); !slices.Equal(marked, cleaned) {
		t.Fatalf("secret parameters are %q, but logs are cleaned of %q", marked, cleaned)
	}
	if len(typed) > 0 {
		t.Fatalf("%d parameters of the type api.Secret are not marked as secret", len(typed))
	}
	return values
}

// shownWhole reports whether a parameter is published as it was given: no member
// is left out.
func shownWhole(t testing.TB, shown, given any) bool {
	t.Helper()
	first, err := json.Marshal(shown)
	if err != nil {
		t.Fatal(err)
	}
	var decoded any // whose keys are sorted
	if err := json.Unmarshal(first, &decoded); err != nil {
		t.Fatal(err)
	}
	return reflect.DeepEqual(decoded, given)
}

// plant is a new value that is long enough to be told from anything else.
func plant() string { return `sbs "` + rand.Text() + `" <&'/+~ ` + rand.Text() }

// fill plants a value in every text there is, and returns those of the type
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

// list are the secrets in parameters.
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

// plantedLine is a value that needs no quotes in an environment or a URL.
func plantedLine() string { return "sbs-" + rand.Text() + rand.Text() }

// What the operator gives to the server, and a token that stands in a URL.
var (
	urlToken      = plantedLine()
	proxyPassword = plantedLine()
	// The simulated enclave does without the image secrets of a contract, but they
	// must go nowhere either. IMAGE_SECRET itself is refused beside it.
	contract = map[string]string{"IMAGE_SECRET_PREVIOUS": plantedLine()}
)

// operators are the secrets that no developer gave, and that token.
func (env *environment) operators(t testing.TB) []secret {
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

// newSSHKey is a key that no git server knows, as OpenSSH writes it.
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
