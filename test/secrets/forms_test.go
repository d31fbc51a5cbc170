//go:build stack

package secrets

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// secret is a value that must not be found, and its name in messages.
type secret struct{ name, text string }

// shortest is the minimum length of a form: shorter ones are found by chance.
const shortest = 10

// forms returns the encodings in which a secret may appear, by their names in messages.
func forms(text string) map[string]string {
	whole := strings.TrimSpace(text)
	found := map[string]string{
		"in clear":          whole,
		"as hex":            hex.EncodeToString([]byte(whole)),
		"as HEX":            strings.ToUpper(hex.EncodeToString([]byte(whole))),
		"as a query":        url.QueryEscape(whole),
		"as a path":         url.PathEscape(whole),
		"as JSON":           quoted(whole, false),
		"as JSON for pages": quoted(whole, true),
		"without breaks":    strings.Join(strings.Fields(whole), ""),
	}
	for before := range 3 {
		offset := string(rune('0' + before))
		found["as base64 from byte "+offset] = inner(base64.RawStdEncoding, whole, before)
		found["as base64url from byte "+offset] = inner(base64.RawURLEncoding, whole, before)
	}
	// Each line of a key separately, so that their order doesn't matter.
	for i, line := range strings.Split(whole, "\n") {
		if strings.Contains(whole, "\n") && len(line) >= shortest && !strings.HasPrefix(line, "-----") {
			found["in line "+string(rune('a'+i%26))] = line
		}
	}
	return found
}

// inner returns the part of a base64 text that depends on the secret alone, when the
// secret follows that number of other bytes.
func inner(encoding *base64.Encoding, secret string, before int) string {
	text := encoding.EncodeToString(append(make([]byte, before), secret...))
	return text[(8*before+5)/6 : 8*(before+len(secret))/6]
}

// quoted returns text as in a JSON string, without the quotes. With html it is
// escaped for HTML too.
func quoted(text string, html bool) string {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(html)
	_ = encoder.Encode(text) // no string fails to encode
	return strings.Trim(strings.TrimSpace(out.String()), `"`)
}

// pattern is one form of one secret.
type pattern struct{ name, form, text string }

// search finds many patterns in one pass.
type search struct {
	starts   [1 << 16]bool // by the first two bytes: a pattern starts with them
	byPrefix map[string][]pattern
}

// prefixSize is the number of bytes of a pattern that it is looked up by.
const prefixSize = 8

func newSearch(secrets []secret) *search {
	s := &search{byPrefix: map[string][]pattern{}}
	for _, secret := range secrets {
		known := map[string]bool{} // several forms of a value may be equal
		for form, text := range forms(secret.text) {
			if len(text) >= shortest && !known[text] {
				known[text] = true
				s.starts[uint16(text[0])<<8|uint16(text[1])] = true
				s.byPrefix[text[:prefixSize]] = append(s.byPrefix[text[:prefixSize]], pattern{secret.name, form, text})
			}
		}
	}
	return s
}

// in returns the patterns found in a text, each once. It searches the text as it is,
// and with its lines joined, because encoders wrap lines at different lengths.
func (s *search) in(text string) []pattern {
	found := s.pass(text)
	if joined := unbroken.Replace(text); len(joined) < len(text) {
		found = append(found, s.pass(joined)...)
	}
	return found
}

var unbroken = strings.NewReplacer("\r", "", "\n", "", `\r`, "", `\n`, "", "\n ", "")

func (s *search) pass(text string) []pattern {
	var found []pattern
	for i := 0; i+prefixSize <= len(text); i++ {
		if !s.starts[uint16(text[i])<<8|uint16(text[i+1])] {
			continue
		}
		for _, p := range s.byPrefix[text[i:i+prefixSize]] {
			if strings.HasPrefix(text[i:], p.text) && !slices.Contains(found, p) {
				found = append(found, p)
			}
		}
	}
	return found
}
