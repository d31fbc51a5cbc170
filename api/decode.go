package api

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// decode puts one JSON value into p, if it is of the field's form.
func (f field) decode(p *Parameters, raw json.RawMessage) error {
	if isEmpty(raw) && !(f.emptySays(p) && string(bytes.TrimSpace(raw)) == "[]") {
		return nil
	}
	// Before anything else: other problems quote the value.
	if problem := f.privateKey(raw); problem != "" {
		return &ParameterError{Key: f.key, Problem: problem, Takes: f.takes}
	}
	problem := ""
	switch target := f.at(p).(type) {
	case *BasePolicy:
		*target, problem = basePolicy(raw)
	case *Credentials:
		*target, problem = credentials(raw)
	case *Methods:
		*target, problem = methods(raw)
	case *Attestations:
		*target, problem = attestationList(raw)
	case *string:
		if *target, problem = f.text(raw); problem != "" {
			*target = ""
		}
	case *Secret:
		var text string
		text, problem = f.text(raw)
		*target = Secret(text)
	case *bool:
		*target, problem = boolean(raw)
	case *int:
		*target, problem = number(raw)
	case *[]string:
		*target, problem = f.list(raw)
	case *map[string]string:
		*target, problem = f.object(raw)
	}
	if problem != "" {
		return &ParameterError{Key: f.key, Problem: problem, Takes: f.takes}
	}
	return nil
}

// emptySays reports whether an empty list is another thing than none.
func (f field) emptySays(p *Parameters) bool {
	switch f.at(p).(type) {
	case *Methods, *Attestations, *BasePolicy:
		return true
	}
	return false
}

func (f field) text(raw json.RawMessage) (text, problem string) {
	if json.Unmarshal(raw, &text) != nil {
		return "", "is not a text"
	}
	if f.secret {
		problem = secretSpace(text)
	} else {
		text = trimmed(text)
	}
	if f.bare != nil {
		text = f.bare(text)
	}
	if text != "" && problem == "" && f.check != nil {
		problem = f.check(text)
	}
	return text, problem
}

// boolean reads one as the stock client sends it, as "True" or "False" in
// any case, and as JSON's own.
func boolean(raw json.RawMessage) (bool, string) {
	switch strings.ToLower(bareScalar(raw)) {
	case "true":
		return true, ""
	case "false":
		return false, ""
	}
	return false, "is neither True nor False"
}

// number reads one as JSON's own, or as a text, as people write it.
func number(raw json.RawMessage) (int, string) {
	n, err := strconv.Atoi(bareScalar(raw))
	if err != nil || n < 1 || n > 1_000_000 {
		return 0, "is not such a number"
	}
	return n, ""
}

// bareScalar returns a JSON text, number or boolean as it is written, without quotes
// and white space around it.
func bareScalar(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return strings.TrimSpace(text)
	}
	return string(bytes.TrimSpace(raw))
}

// Bounds of lists and objects, in items.
const maxItems = 1000

func (f field) list(raw json.RawMessage) (items []string, problem string) {
	if json.Unmarshal(raw, &items) != nil {
		return nil, "is not a list of texts"
	}
	if len(items) > maxItems {
		return nil, "has more than 1000 items"
	}
	for i, item := range items {
		item = trimmed(item)
		items[i] = item
		if problem := f.check(item); problem != "" {
			return nil, problem
		}
	}
	return items, ""
}

// object reads names and texts. A number or a boolean is taken as the text it
// is written as, because people write {"PORT": 8080}.
func (f field) object(raw json.RawMessage) (map[string]string, string) {
	var values map[string]json.RawMessage
	if json.Unmarshal(raw, &values) != nil {
		return nil, "is not an object"
	}
	if len(values) > maxItems {
		return nil, "has more than 1000 items"
	}
	object := make(map[string]string, len(values))
	for name, value := range values {
		if problem := environmentName(name); problem != "" {
			return nil, problem
		}
		text, ok := scalar(value)
		if !ok {
			return nil, "the value of " + name + " is not a text"
		}
		if problem := f.check(text); problem != "" {
			return nil, "the value of " + name + " " + problem
		}
		object[name] = text
	}
	return object, ""
}

func scalar(raw json.RawMessage) (string, bool) {
	var text string
	if json.Unmarshal(raw, &text) == nil && len(raw) > 0 && raw[0] == '"' {
		return text, true
	}
	var value any
	if json.Unmarshal(raw, &value) != nil {
		return "", false
	}
	switch value.(type) {
	case float64, bool:
		return string(raw), true
	}
	return "", false
}
