package strictjson

import (
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	rules := Rules{EmptyTexts: []string{"a.texts"}, Maps: []string{"a.map"}}
	for _, good := range []string{
		`{}`, `{"a": 1, "b": false, "c": 0, "d": [1], "e": {"f": "x"}}`,
		`{"A": {"Texts": ["", "x"], "map": {"x": "1", "X": "2"}}}`,
	} {
		if err := rules.Check([]byte(good)); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for bad, says := range map[string]string{
		`{"a": ""}`: `"a" is empty`, `{"a": null}`: `"a" is empty`, `{"a": []}`: `"a" is empty`, `{"a": {}}`: `"a" is empty`,
		`{"a": {"b": [{"c": ""}]}}`: `"a.b[0].c" is empty`, `{"a": ["x", ""]}`: `"a[1]" is empty`, `{"a": {"texts": [null]}}`: `"a.texts[0]" is empty`,
		`{"a": 1, "b": 2, "a": 3}`: `"a" is given twice`, `{"a": {"b": 1, "B": 2}}`: `"a.B" is given twice`, `{"a": {"map": {"x": 1, "x": 2}}}`: `"a.map.x" is given twice`,
		`null`: "no object", `""`: "no object", `[]`: "no object", `{"a"`: "EOF",
	} {
		if err := rules.Check([]byte(bad)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v, want %q in it", bad, err, says)
		}
	}
}
