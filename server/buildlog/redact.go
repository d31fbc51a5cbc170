package buildlog

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

// minSecret is the length of the shortest secret that is searched for, in bytes.
// Shorter ones are not secret, and replacing every "a" would leave no log.
const minSecret = 4

// Redactor replaces the secrets of one build by their names in angle brackets. It
// finds them in clear, and as base64 (also as part of a longer text, such as
// user:password), hex, URL encoding and JSON. A secret of several lines is also found
// line by line, because logs are lines. It can't find a secret that a Dockerfile
// takes apart before it prints it.
type Redactor struct {
	replacer *strings.Replacer
	longest  int // length of the longest text that is searched for, in bytes
}

// NewRedactor returns a redactor of secrets, by name, and of the user names that some
// of them are sent with.
func NewRedactor(secrets map[string]string, logins ...api.Login) *Redactor {
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
	// The longest first: of two secrets with a common prefix, the replacer takes
	// the first that matches. Then by name, so that the same text under two names
	// is always shown under the same one.
	slices.SortFunc(pairs, func(a, b pair) int {
		return cmp.Or(cmp.Compare(len(b.text), len(a.text)), cmp.Compare(a.name, b.name))
	})
	r := &Redactor{}
	oldnew := make([]string, 0, 2*len(pairs))
	for _, p := range pairs {
		oldnew = append(oldnew, p.text, p.name)
		r.longest = max(r.longest, len(p.text))
	}
	r.replacer = strings.NewReplacer(oldnew...)
	return r
}

// forms returns the encodings in which a secret may occur in a line.
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

// loginForms returns the encodings in which HTTP sends a user name and a password
// (RFC 7617), also of a password that is too short to be searched for by itself.
func loginForms(user, password string) []string {
	text := []byte(user + ":" + strings.TrimSpace(password))
	found := []string{
		strings.TrimRight(base64.StdEncoding.EncodeToString(text), "="),
		strings.TrimRight(base64.URLEncoding.EncodeToString(text), "="),
	}
	return append(found, inner(string(text))...)
}

// minInner is the length of the shortest piece of base64 that is searched for: a
// shorter one occurs in other text by chance.
const minInner = 12

// inner returns what the base64 encoding of every text with the secret in it
// contains: the characters that depend on the secret alone, for each of the three
// offsets at which it can begin.
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

// quoted returns the secret as JSON encoders write it inside a string: with and
// without escapes for the characters that have a meaning in HTML.
func quoted(secret string) []string {
	var found []string
	for _, html := range []bool{true, false} {
		var text strings.Builder
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(html)
		if encoder.Encode(secret) == nil { // always: a string can be encoded
			found = append(found, strings.TrimSuffix(text.String(), "\n")[1:text.Len()-2])
		}
	}
	return found
}

// isArmour reports whether a line is a header or footer of PEM, which every key file has.
func isArmour(line string) bool {
	return strings.HasPrefix(line, "-----")
}

// Text returns text with each secret replaced by its name.
func (r *Redactor) Text(text string) string {
	return r.replacer.Replace(text)
}

// Values returns a copy of values in which every string is redacted, at any depth.
func (r *Redactor) Values(values map[string]any) map[string]any {
	redacted := make(map[string]any, len(values))
	for key, value := range values {
		switch value := value.(type) {
		case string:
			redacted[key] = r.Text(value)
		case []string:
			list := make([]string, len(value))
			for i, item := range value {
				list[i] = r.Text(item)
			}
			redacted[key] = list
		case map[string]string:
			redacted[key] = r.Texts(value)
		default:
			redacted[key] = r.value(value)
		}
	}
	return redacted
}

// value redacts a value of another type in its JSON form. It returns a value without
// a secret unchanged, so that its members keep their order.
func (r *Redactor) value(value any) any {
	text, err := json.Marshal(value)
	if err != nil {
		return nil // a record can't contain it either
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

func (r *Redactor) tree(tree any) (redacted any, changed bool) {
	switch tree := tree.(type) {
	case string:
		text := r.Text(tree)
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
			shown := r.Text(name)
			members[shown], changed = value, changed || other || shown != name
		}
		return members, changed
	}
	return tree, false
}

// Texts returns a copy of values in which every value is redacted.
func (r *Redactor) Texts(values map[string]string) map[string]string {
	redacted := maps.Clone(values)
	for name, value := range redacted {
		redacted[name] = r.Text(value)
	}
	return redacted
}
