package api

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/opensbs/sbs/api/public"
)

// The checks of single values. Each returns the problem in words that fit
// after "KEY: ", or "" when there is none. No problem quotes a secret: checks
// that serve secrets quote nothing.

func oneOf(values ...string) func(string) string {
	return func(text string) string {
		if slices.Contains(values, text) {
			return ""
		}
		return quoted(text) + " is none of these"
	}
}

func textUpTo(size int) func(string) string {
	return func(text string) string {
		switch {
		case len(text) > size:
			return fmt.Sprintf("is longer than %d bytes", size)
		case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
			return "is not text"
		}
		return ""
	}
}

func lineUpTo(size int) func(string) string {
	return func(text string) string {
		if strings.IndexFunc(text, unicode.IsControl) >= 0 {
			return "has a line break or another control character"
		}
		return textUpTo(size)(text)
	}
}

func strongSecret(text string) string {
	raw, err := base64.StdEncoding.DecodeString(text)
	switch {
	case err != nil:
		return "is not base64"
	case len(raw) < 32:
		return "is too short to be a key of state images, though the original may take it; initialise this server with a new one"
	case len(raw) > 512:
		return "is too long"
	}
	return ""
}

// gitReference follows git-check-ref-format(1); a full commit id passes too.
func gitReference(text string) string {
	bad := len(text) > 255 ||
		strings.IndexFunc(text, unicode.IsControl) >= 0 ||
		strings.ContainsAny(text, " ~^:?*[\\") ||
		strings.Contains(text, "..") || strings.Contains(text, "@{") || strings.Contains(text, "//") ||
		strings.HasPrefix(text, "-") || strings.HasPrefix(text, "/") || strings.HasPrefix(text, ".") || strings.Contains(text, "/.") ||
		strings.HasSuffix(text, "/") || strings.HasSuffix(text, ".") || strings.HasSuffix(text, ".lock") || text == "@"
	if bad {
		return quoted(text) + " is not a name that git allows"
	}
	return ""
}

// knownHosts checks the form only; package source reads the keys.
func knownHosts(text string) string {
	if problem := textUpTo(64 << 10)(text); problem != "" {
		return problem
	}
	for number, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "#") && len(strings.Fields(line)) < 3 {
			return fmt.Sprintf("line %d is not 'host key-type key'", number+1)
		}
	}
	return ""
}

func certificates(text string) string {
	if problem := textUpTo(256 << 10)(text); problem != "" {
		return problem
	}
	if err := public.Certificates([]byte(text)); err != nil {
		return err.Error()
	}
	return ""
}

// publicKey checks the form of a key in PEM; the server reads the key.
func publicKey(text string) string {
	if problem := textUpTo(64 << 10)(text); problem != "" {
		return problem
	}
	if _, err := public.Key([]byte(text)); err != nil {
		return err.Error()
	}
	return ""
}

// privateKey checks a value that is published. Build arguments are too, but are
// the build's own: Warnings is about them.
func (f field) privateKey(raw json.RawMessage) string {
	if f.secret || f.key == "ARG" {
		return ""
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return noPrivateKey(string(raw))
	}
	return noPrivateKey(text)
}

// noPrivateKey is the check of every parameter that is published.
func noPrivateKey(text string) string {
	if err := public.Check([]byte(text)); err != nil {
		return err.Error()
	}
	return ""
}

// repositoryPath is the path grammar of the distribution specification.
var repositoryPath = regexp.MustCompile(`^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$`)

func repository(text string) string {
	switch {
	case len(text) > 200:
		return "is longer than 200 characters"
	case text != strings.ToLower(text):
		return quoted(text) + " has capital letters"
	case strings.ContainsAny(text, ":@"):
		return quoted(text) + " has a registry port, a tag or a digest"
	case !repositoryPath.MatchString(text):
		return quoted(text) + " is not a repository name"
	}
	return ""
}

var tagStart = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,119}$`)

func tagPrefix(text string) string {
	if !tagStart.MatchString(text) {
		return quoted(text) + " can't begin an image tag"
	}
	return ""
}

// pathInRepository checks the name; that no symbolic link leads out of the
// repository is checked on the clone.
func pathInRepository(text string) string {
	if problem := lineUpTo(1024)(text); problem != "" {
		return problem
	}
	clean := path.Clean(text)
	switch {
	case path.IsAbs(text):
		return quoted(text) + " is absolute"
	case clean == ".." || strings.HasPrefix(clean, "../"):
		return quoted(text) + " leaves the repository"
	case strings.Contains(text, `\`):
		return quoted(text) + " has a backslash"
	case slices.ContainsFunc(strings.Split(clean, "/"), func(part string) bool { return strings.EqualFold(part, ".git") }):
		return quoted(text) + " is inside .git"
	}
	return ""
}

var environment = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)

func environmentName(text string) string {
	if !environment.MatchString(text) {
		return quoted(text) + " is not a name of letters, digits and '_'"
	}
	return ""
}

var bucket = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

func bucketName(text string) string {
	if !bucket.MatchString(text) {
		return quoted(text) + " is not a bucket name"
	}
	return ""
}

var sizeForm = regexp.MustCompile(`^([1-9][0-9]{0,5})(MiB|GiB|TiB)$`)

func keptSize(text string) string {
	if _, ok := byteCount(text); !ok {
		return quoted(text) + " is not such a size"
	}
	return ""
}

// byteCount reads a size such as 10GiB.
func byteCount(text string) (int64, bool) {
	parts := sizeForm.FindStringSubmatch(text)
	if parts == nil {
		return 0, false
	}
	number, err := strconv.ParseInt(parts[1], 10, 64)
	shift := map[string]int{"MiB": 20, "GiB": 30, "TiB": 40}[parts[2]]
	return number << shift, err == nil
}

const maxTimeLimit = 168 * time.Hour

func timeLimit(text string) string {
	if _, ok := duration(text); !ok {
		return quoted(text) + " is not such a time"
	}
	return ""
}

// duration reads a limit in Go's notation, such as 1h30m: whole seconds from 0 to
// maxTimeLimit.
func duration(text string) (time.Duration, bool) {
	limit, err := time.ParseDuration(text)
	return limit, err == nil && limit >= 0 && limit <= maxTimeLimit && limit%time.Second == 0
}

// quoted shows a wrong value, shortened, so that its writer knows it again.
func quoted(text string) string {
	const most = 80
	if len(text) > most {
		return fmt.Sprintf("%.*q...", most, text)
	}
	return fmt.Sprintf("%q", text)
}
