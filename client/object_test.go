package client

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// readObject returns the texts of an object, all of them streamed.
func readObject(r io.Reader) (map[string]string, error) {
	texts := map[string]string{}
	object := newObject(r)
	err := object.each(func(key string) error {
		data, err := io.ReadAll(object.text())
		texts[key] = string(data)
		return err
	})
	return texts, err
}

// oneByte hands out one byte at a time, like the worst network.
type oneByte struct{ io.Reader }

func (r oneByte) Read(p []byte) (int, error) { return r.Reader.Read(p[:min(1, len(p))]) }

func TestObjectStreamsWhatEncodingJSONWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.MapOfN(rapid.String(), rapid.String(), 1, 5).Draw(t, "texts")
		data, err := json.MarshalIndent(want, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		got, err := readObject(oneByte{strings.NewReader(string(data))})
		if err != nil || len(got) != len(want) {
			t.Fatalf("got %q, %v, want %q", got, err, want)
		}
		for key := range want {
			if got[key] != want[key] {
				t.Fatalf("got %q, want %q", got[key], want[key])
			}
		}
	})
}

// A value is the same wherever the decoder splits it into pieces.
func TestObjectJoinsPieces(t *testing.T) {
	for _, unit := range []string{`a`, `\n`, `\u00e9`, `\ud83d\ude00`, "é", "😀", `\\`, `\"`, `x\u00e9`, `\/`} {
		t.Run(unit, func(t *testing.T) {
			// Pieces end at all offsets within the repeated unit.
			for shift := range 13 {
				raw := strings.Repeat("s", shift) + strings.Repeat(unit+unit+"-", 2*pieceSize/len(unit+unit+"-"))
				var want string
				if err := json.Unmarshal([]byte(`"`+raw+`"`), &want); err != nil {
					t.Fatal(err)
				}
				got, err := readObject(strings.NewReader(`{"k":"` + raw + `"}`))
				if err != nil || got["k"] != want {
					t.Fatalf("shift %d: it came out changed (%v)", shift, err)
				}
			}
		})
	}
}

func TestObjectRefuses(t *testing.T) {
	for _, test := range []struct{ name, text string }{
		{"nothing", ``}, {"list", `["a"]`}, {"number", `{"a":1}`}, {"cut in a text", `{"a":"b`}, {"cut in an escape", `{"a":"\`},
		{"cut after a text", `{"a":"b"`}, {"bad escape", `{"a":"\x"}`}, {"line break in a text", "{\"a\":\"b\nc\"}"}, {"garbage after a text", `{"a":"b" x}`},
		{"endless without a cut", `{"a":"` + strings.Repeat(`\u00e9`, maxPiece/6+1) + `"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := readObject(strings.NewReader(test.text))
			if err == nil {
				t.Errorf("accepted as %q", got)
			}
			if errors.Is(err, io.EOF) {
				t.Errorf("%v looks like a proper end", err)
			}
		})
	}
}

// FuzzObject checks that whatever is accepted is what encoding/json reads.
func FuzzObject(f *testing.F) {
	f.Add([]byte(`{"a":"b","c":"\u00e9\ud83d\ude00\n"}`))
	f.Add([]byte(`{"a" : "b" , "a":"\/"}`))
	f.Add([]byte(`{"a"::"b"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := readObject(strings.NewReader(string(data)))
		if err != nil || !utf8.Valid(data) {
			return
		}
		var want map[string]string
		if err := json.NewDecoder(strings.NewReader(string(data))).Decode(&want); err != nil {
			t.Fatalf("accepted what encoding/json refuses: %v", err)
		}
		for key := range want {
			if got[key] != want[key] {
				t.Fatalf("%q: got %q, want %q", key, got[key], want[key])
			}
		}
	})
}
