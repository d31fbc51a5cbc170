package config

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestDocumentKeepsOrderAndSpelling(t *testing.T) {
	doc, err := parse([]byte("\xef\xbb\xbf" + `{"zebra": 1.50, "Ant": ["<KEY1>", "é"], "mouse": {"b": true, "a": null}}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.set("ant", "new & <old>"); err != nil {
		t.Fatal(err)
	}
	if err := doc.set("LAST", "x"); err != nil {
		t.Fatal(err)
	}
	got, err := doc.format()
	if err != nil {
		t.Fatal(err)
	}
	want := `{
    "zebra": 1.50,
    "Ant": "new & <old>",
    "mouse": {
        "b": true,
        "a": null
    },
    "LAST": "x"
}
`
	if string(got) != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestParseErrorsSayWhere(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"comma", "{\n\"A\": 1,\n}", "line 3"},
		{"cut off", "{\n\"A\": 1", "line 2: unexpected end"},
		{"list", "[1]", "does not begin with {"},
		{"two objects", "{}\n{}", "line 2: invalid character '{' after top-level"},
		{"bare word", "{\"A\":\nTrue}", "line 2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := parse([]byte(test.text))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q in it", err, test.want)
			}
		})
	}
}

// The stock client writes such files itself: a UUID in addition to a uuid.
func TestRepeatedKeysCountAsForTheStockClient(t *testing.T) {
	for _, test := range []struct {
		text, value string
		warnings    int
	}{
		{`{"uuid": "a", "UUID": "b"}`, `"b"`, 1},
		{`{"UUID": "b", "uuid": "a"}`, `"a"`, 1},
		{`{"UUID": "a", "UUID": "b"}`, `"b"`, 1},
		{`{"uuid": "a", "UUID": "b", "uuid": "c"}`, `"b"`, 2}, // uuid keeps its place
		{`{"uuid": "a", "UUID": ""}`, `""`, 1},
		{`{"uuid": "a", "UUID": "a"}`, `"a"`, 0},
		{`{"UUID": "a", "UUID": "a"}`, `"a"`, 0},
	} {
		doc, err := parse([]byte(test.text))
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		if got := string(doc.value("Uuid")); got != test.value || len(doc.repeated) != test.warnings {
			t.Errorf("%s: %s counts, want %s; warnings %q", test.text, got, test.value, doc.repeated)
		}
	}
}

// FuzzParse holds two properties: whatever is accepted is written in a form
// that reads back as the same members, and encoding/json agrees that it is an
// object.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{`{}`, `{"A":"b","c":[1,2,{"x":null}]}`, `{"é":"\u00e9","n":1e400}`, `{"A":1,}`, `[]`, `{"a":1,"A":2}`, "{\"\xff\":1}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := parse(data)
		if err != nil {
			return
		}
		var object map[string]json.RawMessage
		if err := json.Unmarshal(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), &object); err != nil {
			t.Fatalf("accepted what encoding/json refuses: %v", err)
		}
		text, err := doc.format()
		if err != nil {
			t.Fatalf("accepted but can't be written: %v", err)
		}
		again, err := parse(text)
		if err != nil {
			t.Fatalf("its own writing is refused: %v\n%s", err, text)
		}
		if len(again.members) != len(doc.members) {
			t.Fatalf("%d members became %d", len(doc.members), len(again.members))
		}
		for i := range doc.members {
			var before, after bytes.Buffer
			if json.Compact(&before, doc.members[i].value) != nil || json.Compact(&after, again.members[i].value) != nil {
				t.Fatal("a value is not JSON")
			}
			if doc.members[i].key != again.members[i].key || before.String() != after.String() {
				t.Fatalf("member %d changed: %q %s became %q %s", i, doc.members[i].key, &before, again.members[i].key, &after)
			}
		}
	})
}
