package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/opensbs/sbs/client/advice"
)

// Rules are the exceptions of a format, by the path of a member in lower case, as
// "tdx.rtmrs".
type Rules struct {
	EmptyTexts []string // lists that may hold empty texts
	Maps       []string // objects whose names are data: their case matters
}

// Check returns an error when a member of text, which is one JSON value, is empty
// (null, "", [] or {}), or is there twice.
func (r Rules) Check(text []byte) error {
	return r.value(json.NewDecoder(bytes.NewReader(text)), "", false)
}

func (r Rules) value(decoder *json.Decoder, path string, mayBeEmpty bool) error {
	token, err := decoder.Token()
	if err != nil {
		return err
	}
	switch token {
	case nil:
		return empty(path)
	case "":
		if mayBeEmpty {
			return nil
		}
		return empty(path)
	case json.Delim('{'):
		return r.object(decoder, path)
	case json.Delim('['):
		return r.list(decoder, path)
	}
	return nil
}

func (r Rules) object(decoder *json.Decoder, path string) error {
	seen := map[string]bool{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return err
		}
		member, _ := token.(string)
		at := strings.TrimPrefix(path+"."+member, ".")
		if !slices.Contains(r.Maps, strings.ToLower(path)) {
			member = strings.ToLower(member) // encoding/json takes names in any case
		}
		if seen[member] {
			return fmt.Errorf("%q is given twice", at)
		}
		seen[member] = true
		if err := r.value(decoder, at, false); err != nil {
			return err
		}
	}
	if len(seen) == 0 && path != "" {
		return empty(path)
	}
	_, err := decoder.Token()
	return err
}

func (r Rules) list(decoder *json.Decoder, path string) error {
	count, mayBeEmpty := 0, slices.Contains(r.EmptyTexts, strings.ToLower(path))
	for ; decoder.More(); count++ {
		if err := r.value(decoder, fmt.Sprintf("%s[%d]", path, count), mayBeEmpty); err != nil {
			return err
		}
	}
	if count == 0 {
		return empty(path)
	}
	_, err := decoder.Token()
	return err
}

func empty(path string) error {
	if path == "" {
		return errors.New("it is no object")
	}
	return advice.New(fmt.Errorf("%q is empty, so that nothing would be checked by it", path), "leave the member out, or write what is expected")
}
