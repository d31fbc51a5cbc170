package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// document is a JSON object that keeps the order and the spelling of its keys,
// which encoding/json's maps do not.
type document struct {
	members []member
	// repeated are sentences about keys that the file has more than once, with
	// different values.
	repeated []string
}

type member struct {
	key   string
	value json.RawMessage
}

// parse reads one JSON object. Errors name the line, because the file is
// written by hand.
func parse(data []byte) (document, error) {
	// Editors on Windows begin a file with a byte order mark.
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	var whole json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			line := 1 + bytes.Count(data[:min(int(syntax.Offset), len(data))], []byte("\n"))
			return document{}, fmt.Errorf("line %d: %w", line, err)
		}
		return document{}, err
	}
	var doc document
	if err := doc.decode(json.NewDecoder(bytes.NewReader(data))); err != nil {
		return document{}, err
	}
	return doc, nil
}

// decode reads what is known to be JSON.
func (d *document) decode(decoder *json.Decoder) error {
	start, err := decoder.Token()
	if err != nil {
		return err
	}
	if start != json.Delim('{') {
		return errors.New("it does not begin with {")
	}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return err
		}
		key := token.(string) // the decoder accepts nothing else as a key
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return err
		}
		d.add(member{key, value})
	}
	d.noteRepeated()
	return nil
}

// add does what the stock client does, whose parser keeps a key where it was first
// and lets its last value count.
func (d *document) add(m member) {
	same := func(other member) bool { return other.key == m.key }
	i := slices.IndexFunc(d.members, same)
	if i < 0 {
		d.members = append(d.members, m)
		return
	}
	if !bytes.Equal(d.members[i].value, m.value) {
		d.repeated = append(d.repeated, m.key+" is written there more than once, and the last value counts")
	}
	d.members[i].value = m.value
}

// noteRepeated notes keys that it has in several spellings.
func (d *document) noteRepeated() {
	for i, m := range d.members {
		if last, _ := d.find(m.key); last != i && !bytes.Equal(d.members[last].value, m.value) {
			d.repeated = append(d.repeated, fmt.Sprintf("%s and %s are the same key, and the value of the latter counts", m.key, d.members[last].key))
		}
	}
}

// format writes the object as a person would, four spaces deep.
func (d *document) format() ([]byte, error) {
	var compact bytes.Buffer
	compact.WriteByte('{')
	for i, m := range d.members {
		if i > 0 {
			compact.WriteByte(',')
		}
		key, err := encode(m.key)
		if err != nil {
			return nil, err
		}
		compact.Write(key)
		compact.WriteByte(':')
		compact.Write(m.value)
	}
	compact.WriteByte('}')
	var out bytes.Buffer
	if err := json.Indent(&out, compact.Bytes(), "", "    "); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// find returns the position of key, whatever its case. Of several spellings the
// last counts, as it does for the stock client.
func (d *document) find(key string) (int, bool) {
	for i, m := range slices.Backward(d.members) {
		if strings.EqualFold(m.key, key) {
			return i, true
		}
	}
	return 0, false
}

// value returns the value of key, whatever its case, or nil.
func (d *document) value(key string) json.RawMessage {
	if i, ok := d.find(key); ok {
		return d.members[i].value
	}
	return nil
}

// set gives key a text: replaced when it is there, else added at the end.
func (d *document) set(key, text string) error {
	value, err := encode(text)
	if err != nil {
		return err
	}
	if i, ok := d.find(key); ok {
		d.members[i].value = value
		return nil
	}
	d.members = append(d.members, member{key, value})
	return nil
}

// encode writes a text as JSON without json.Marshal's escapes for HTML, which
// would change keys like "<KEY1>" beyond recognition.
func encode(text string) (json.RawMessage, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(out.Bytes()), nil
}
