package stateimage

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/opensbs/sbs/test/kit/golden"
)

// fixedKeys replaces the enclave, whose own derivation is tested there.
type fixedKeys struct{ secret string }

func (k fixedKeys) SecretID() []byte {
	sum := sha256.Sum256([]byte(k.secret))
	return sum[:idSize]
}

func (k fixedKeys) HasSecret(id []byte) bool { return bytes.Equal(id, k.SecretID()) }

func (k fixedKeys) StateKey(_, developer, salt []byte) ([]byte, error) {
	return hkdf.Key(sha256.New, append([]byte(k.secret), developer...), salt, "test", 32)
}

var (
	image     = fixedKeys{"image secret"}
	developer = []byte("developer secret")
	example   = State{
		Generation: 7,
		Repository: "docker.io/ns/name",
		BuildName:  "docker.io.ns.name.v1-abcdefa.2021-02-10_15-37-37.178350",
		Exported:   time.Date(2021, 2, 10, 16, 0, 0, 0, time.UTC),
		Parameters: json.RawMessage(`{"DOCKER_REPO":"ns/name"}`),
		Secrets:    map[string][]byte{"manifest/key": {1, 2, 3}, "dct/abc": []byte("key")},
		Builds:     []Build{{ID: "2021-02-10_15-37-37.178350", Record: json.RawMessage(`{"status":"success"}`), PublicKey: "pem"}},
	}
)

func sealed(t testing.TB) string {
	t.Helper()
	text, err := Seal(image, developer, example)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestRoundTrip(t *testing.T) {
	first, second := sealed(t), sealed(t)
	if first == second {
		t.Error("two images of one state are the same: salt or nonce is not drawn")
	}
	got, err := Open(image, developer, first)
	if err != nil || !reflect.DeepEqual(got, example) {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestGolden pins the format to the byte: states that were exported must open
// for ever.
func TestGolden(t *testing.T) {
	header := make([]byte, headerSize)
	for i := range header {
		header[i] = byte(i) // salt and nonce
	}
	text, err := seal(image, developer, example, header)
	if err != nil {
		t.Fatal(err)
	}
	want := golden.Check(t, "golden.state", []byte(text)) // another format has another version
	if got, err := Open(image, developer, string(want)); err != nil || !reflect.DeepEqual(got, example) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestRefusals(t *testing.T) {
	whole := sealed(t)
	raw, err := base64.StdEncoding.DecodeString(whole)
	if err != nil {
		t.Fatal(err)
	}
	changed := func(change func([]byte) []byte) string {
		return base64.StdEncoding.EncodeToString(change(bytes.Clone(raw)))
	}
	flip := func(at int) string { return changed(func(b []byte) []byte { b[at] ^= 1; return b }) }
	for name, test := range map[string]struct {
		keys      Keys
		developer []byte
		text      string
		want      error
	}{
		"wrong developer secret": {image, []byte("other"), whole, ErrDeveloperSecret},
		"wrong image secret":     {fixedKeys{"other"}, developer, whole, ErrImageSecret},
		"both wrong":             {fixedKeys{"other"}, []byte("other"), whole, ErrImageSecret},
		"empty":                  {image, developer, "", ErrTruncated},
		"another file":           {image, developer, "manifest of a build", ErrNotState},
		"magic":                  {image, developer, flip(0), ErrNotState},
		"version":                {image, developer, flip(len(magic)), ErrVersion},
		"image secret's id":      {image, developer, flip(idOffset), ErrImageSecret},
		"salt":                   {image, developer, flip(saltOffset), ErrDeveloperSecret},
		"check value":            {image, developer, flip(checkOffset), ErrDeveloperSecret},
		"nonce":                  {image, developer, flip(nonceOffset), ErrChanged},
		"first byte":             {image, developer, flip(headerSize), ErrChanged},
		"last byte":              {image, developer, flip(len(raw) - 1), ErrChanged},
		"bytes added":            {image, developer, changed(func(b []byte) []byte { return append(b, 0) }), ErrChanged},
		"too large":              {image, developer, strings.Repeat("A", MaxText+4), ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Open(test.keys, test.developer, test.text)
			if !errors.Is(err, test.want) || !reflect.DeepEqual(got, State{}) {
				t.Errorf("got %+v, %v; want %v", got, err, test.want)
			}
		})
	}
	for size := range len(whole) {
		if _, err := Open(image, developer, whole[:size]); !errors.Is(err, ErrTruncated) {
			t.Fatalf("cut to %d of %d characters: got %v, want ErrTruncated", size, len(whole), err)
		}
	}
}

func TestSealRefusesIncompleteState(t *testing.T) {
	for name, change := range map[string]func(*State){
		"no repository": func(s *State) { s.Repository = "" },
		"no build":      func(s *State) { s.BuildName = "" },
		"no keys":       func(s *State) { s.Secrets = nil },
		"empty key":     func(s *State) { s.Secrets = map[string][]byte{"a": nil} },
	} {
		state := example
		change(&state)
		if _, err := Seal(image, developer, state); err == nil {
			t.Errorf("%s: sealed", name)
		}
	}
	state := example
	state.Secrets = map[string][]byte{"a": make([]byte, maxBody)}
	if _, err := Seal(image, developer, state); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v, want ErrTooLarge", err)
	}
}

// FuzzOpen: whatever comes in, nothing opens but what was sealed.
func FuzzOpen(f *testing.F) {
	whole := sealed(f)
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if state, err := Open(image, developer, text); err == nil && text != whole {
			t.Errorf("%q opened as %+v", text, state)
		}
	})
}

// FuzzRoundTrip: what is sealed opens as it was.
func FuzzRoundTrip(f *testing.F) {
	f.Add("manifest/key", []byte("key"), uint64(1), []byte("developer"))
	f.Fuzz(func(t *testing.T, name string, secret []byte, generation uint64, developer []byte) {
		state := example
		state.Generation = generation
		state.Secrets = map[string][]byte{strings.ToValidUTF8(name, "?"): secret}
		text, err := Seal(image, developer, state)
		if err != nil {
			return // no state
		}
		got, err := Open(image, developer, text)
		if err != nil || !reflect.DeepEqual(got, state) {
			t.Errorf("got %+v, %v; want %+v", got, err, state)
		}
	})
}
