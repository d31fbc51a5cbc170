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

// secret is a value that nobody may see.
type secret struct{ name, text string }

// shortest is the length from which a form of a secret is not found by chance.
const shortest = 10

// forms are the ways in which a secret may turn up, by what they are called.
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
		place := string(rune('0' + before))
		found["as base64 from byte "+place] = inner(base64.RawStdEncoding, whole, before)
		found["as base64url from byte "+place] = inner(base64.RawURLEncoding, whole, before)
	}
	// Each line of a key by itself, in whatever order they come.
	for i, line := range strings.Split(whole, "\n") {
		if strings.Contains(whole, "\n") && len(line) >= shortest && !strings.HasPrefix(line, "-----") {
			found["in line "+string(rune('a'+i%26))] = line
		}
	}
	return found
}

// inner is what the base64 of a text that has the secret after so many other
// bytes owes to the secret alone.
func inner(encoding *base64.Encoding, secret string, before int) string {
	text := encoding.EncodeToString(append(make([]byte, before), secret...))
	return text[(8*before+5)/6 : 8*(before+len(secret))/6]
}

func quoted(text string, html bool) string {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(html)
	_ = encoder.Encode(text) // a text can always be encoded
	return strings.Trim(strings.TrimSpace(out.String()), `"`)
}

// pattern is one form of one secret.
type pattern struct{ name, form, text string }

// search finds many patterns in one pass.
type search struct {
	heads  [1 << 16]bool // the first two bytes of patterns
	byHead map[string][]pattern
}

// headSize is how much of a pattern is looked up at once, in bytes.
const headSize = 8

func newSearch(secrets []secret) *search {
	s := &search{byHead: map[string][]pattern{}}
	for _, secret := range secrets {
		known := map[string]bool{} // many forms are the same for many values
		for form, text := range forms(secret.text) {
			if len(text) >= shortest && !known[text] {
				known[text] = true
				s.heads[uint16(text[0])<<8|uint16(text[1])] = true
				s.byHead[text[:headSize]] = append(s.byHead[text[:headSize]], pattern{secret.name, form, text})
			}
		}
	}
	return s
}

// in names the secrets that a text shows and how, each once: as the text is, and
// with its lines joined, because encoders break lines where they like.
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
	for i := 0; i+headSize <= len(text); i++ {
		if !s.heads[uint16(text[i])<<8|uint16(text[i+1])] {
			continue
		}
		for _, p := range s.byHead[text[i:i+headSize]] {
			if strings.HasPrefix(text[i:], p.text) && !slices.Contains(found, p) {
				found = append(found, p)
			}
		}
	}
	return found
}
