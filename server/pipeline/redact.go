package pipeline

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/opensbs/sbs/api"
)

// minSecret is the length from which a text is searched for as a secret.
// Shorter ones are no secrets, and replacing every "a" would leave no log.
const minSecret = 4

// redactor replaces the secrets of one build by their names in angle brackets:
// in clear, and as base64 (also as part of a longer text, such as user:password),
// hex, URL encoding and JSON. A secret of several lines is also found line by
// line, because logs are lines. What it can't find is a
// secret that a Dockerfile takes apart before it prints it.
type redactor struct {
	replacer *strings.Replacer
	longest  int // of what is searched for, in bytes
}

// newRedactor takes secrets by name, and the user names that some are sent with.
func newRedactor(secrets map[string]string, logins ...api.Login) *redactor {
	type pair struct{ text, name string }
	var pairs []pair
	for name, secret := range secrets {
		for _, form := range forms(secret) {
			pairs = append(pairs, pair{form, "<" + name + ">"})
		}
	}
	for _, login := range logins {
		for _, form := range loginForms(login.User, login.Password) {
			pairs = append(pairs, pair{form, "<" + login.Name + ">"})
		}
	}
	// The longest first: of two secrets that begin alike, the replacer takes
	// the first that matches. By name then, so that the same text under two
	// names is always shown under the same one.
	slices.SortFunc(pairs, func(a, b pair) int {
		return cmp.Or(cmp.Compare(len(b.text), len(a.text)), cmp.Compare(a.name, b.name))
	})
	r := &redactor{}
	oldnew := make([]string, 0, 2*len(pairs))
	for _, p := range pairs {
		oldnew = append(oldnew, p.text, p.name)
		r.longest = max(r.longest, len(p.text))
	}
	r.replacer = strings.NewReplacer(oldnew...)
	return r
}

// forms are the ways in which a secret may turn up in a line.
func forms(secret string) []string {
	whole := strings.TrimSpace(secret)
	texts := []string{whole}
	if strings.Contains(whole, "\n") {
		for line := range strings.Lines(whole) {
			if line = strings.TrimSpace(line); !isArmour(line) {
				texts = append(texts, line)
			}
		}
	}
	var found []string
	for _, text := range texts {
		if len(text) < minSecret {
			continue
		}
		found = append(found, text)
	}
	if len(whole) >= minSecret {
		for _, text := range []string{secret, whole, whole + "\n"} {
			found = append(found,
				strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(text)), "="),
				strings.TrimRight(base64.URLEncoding.EncodeToString([]byte(text)), "="),
				hex.EncodeToString([]byte(text)), strings.ToUpper(hex.EncodeToString([]byte(text))))
		}
		found = append(found, url.QueryEscape(whole), url.PathEscape(whole))
		found = append(found, inner(whole)...)
		found = append(found, quoted(whole)...)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// loginForms are what HTTP sends of a user name and a password (RFC 7617), also of
// a password that is too short to be searched for by itself.
func loginForms(user, password string) []string {
	text := []byte(user + ":" + strings.TrimSpace(password))
	found := []string{
		strings.TrimRight(base64.StdEncoding.EncodeToString(text), "="),
		strings.TrimRight(base64.URLEncoding.EncodeToString(text), "="),
	}
	return append(found, inner(string(text))...)
}

// minInner is the length from which a piece of base64 says enough to be told from
// other text.
const minInner = 12

// inner is what the base64 of any text that holds the secret has in it: the
// characters that come of the secret alone, wherever in three bytes it begins.
func inner(secret string) []string {
	var found []string
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			bits := 8 * (before + len(secret))
			text := encoding.EncodeToString(append(make([]byte, before), secret...))
			if text = text[(8*before+5)/6 : bits/6]; len(text) >= minInner {
				found = append(found, text)
			}
		}
	}
	return found
}

// quoted is the secret within a JSON text, as encoders write it: with or without
// the characters that mean something in HTML.
func quoted(secret string) []string {
	var found []string
	for _, html := range []bool{true, false} {
		var text strings.Builder
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(html)
		if encoder.Encode(secret) == nil { // a text can always be encoded
			found = append(found, strings.TrimSuffix(text.String(), "\n")[1:text.Len()-2])
		}
	}
	return found
}

// isArmour reports whether a line is one of those that every key file has.
func isArmour(line string) bool {
	return strings.HasPrefix(line, "-----")
}

func (r *redactor) text(text string) string {
	return r.replacer.Replace(text)
}

// values redacts every text in parameters, at any depth.
func (r *redactor) values(values map[string]any) map[string]any {
	redacted := make(map[string]any, len(values))
	for key, value := range values {
		switch value := value.(type) {
		case string:
			redacted[key] = r.text(value)
		case []string:
			list := make([]string, len(value))
			for i, item := range value {
				list[i] = r.text(item)
			}
			redacted[key] = list
		case map[string]string:
			redacted[key] = r.texts(value)
		default:
			redacted[key] = r.value(value)
		}
	}
	return redacted
}

// value redacts a value of another kind in its JSON form. One without a secret stays
// what it was, so that its members keep their order.
func (r *redactor) value(value any) any {
	text, err := json.Marshal(value)
	if err != nil {
		return nil // what can't be written can't be in a record
	}
	var tree any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&tree); err != nil {
		return nil
	}
	if redacted, changed := r.tree(tree); changed {
		return redacted
	}
	return value
}

func (r *redactor) tree(tree any) (redacted any, changed bool) {
	switch tree := tree.(type) {
	case string:
		text := r.text(tree)
		return text, text != tree
	case []any:
		for i, item := range tree {
			value, other := r.tree(item)
			tree[i], changed = value, changed || other
		}
		return tree, changed
	case map[string]any:
		members := make(map[string]any, len(tree))
		for name, member := range tree {
			value, other := r.tree(member)
			shown := r.text(name)
			members[shown], changed = value, changed || other || shown != name
		}
		return members, changed
	}
	return tree, false
}

// texts redacts every value of a map.
func (r *redactor) texts(values map[string]string) map[string]string {
	redacted := maps.Clone(values)
	for name, value := range redacted {
		redacted[name] = r.text(value)
	}
	return redacted
}
