package api

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Warnings returns sentences about parameters that are accepted but may not be
// what their sender means. No sentence holds a value.
func (p Parameters) Warnings() []string {
	var warnings []string
	for _, name := range slices.Sorted(maps.Keys(p.Args)) {
		if kind := credentialIn(name, p.Args[name]); kind != "" {
			warnings = append(warnings, "ARG "+name+" "+kind+": build arguments are no secrets, and are published in the provenance, the manifest, the build log and the image's history; take it out, and replace it where it is in use")
		}
	}
	if p.BaseKey != "" && p.ICRBaseRepo == "" {
		warnings = append(warnings, "BASE_REPO_PUBLIC_KEY (ICR_BASE_REPO_PUBLIC_KEY names its file) is ignored, because ICR_BASE_REPO names no image: no base image is verified with it")
	}
	if len(p.ImageSigning) == 0 && p.trustServerIsRegistry() {
		warnings = append(warnings, "DOCKER_CONTENT_TRUST_PUSH_SERVER names the push registry itself, which is taken for no notary server: the image is signed with "+strings.Join(p.Signing(), " and ")+"; leave it out, or set IMAGE_SIGNING to dct where there is a notary server at that address")
	}
	return warnings
}

// credentialIn returns what about a build argument is like a credential, or "".
func credentialIn(name, value string) string {
	if strings.TrimSpace(value) == "" {
		return ""
	}
	for _, known := range credentialValues {
		if known.form.MatchString(value) {
			return "holds " + known.kind
		}
	}
	if namesCredential(name) {
		return "has the name of a credential"
	}
	return ""
}

// namesCredential reports whether the words of a name are those of a credential:
// NPM_TOKEN, dbPassword, AWS_ACCESS_KEY_ID.
func namesCredential(name string) bool {
	upper := strings.ToUpper(name)
	words := strings.Split(upper, "_")
	last := words[len(words)-1]
	switch {
	case slices.ContainsFunc(credentialEndings, func(ending string) bool { return strings.HasSuffix(upper, ending) }):
		return true
	case slices.ContainsFunc(words, func(word string) bool { return slices.Contains(credentialWords, word) }):
		return true
	case last == "KEY" || last == "KEYS":
		return !slices.Contains(words, "PUBLIC")
	case words[0] == "AWS" && len(words) > 1:
		return last != "REGION" && last != "PROFILE"
	}
	return false
}

var (
	credentialEndings = []string{"TOKEN", "PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "APIKEY"}
	credentialWords   = []string{"TOKEN", "PASSWORD", "PASSWD", "PWD", "PASSPHRASE", "SECRET", "SECRETS", "CREDENTIAL", "CREDENTIALS", "APIKEY", "PAT"}
)

// credentialValues are forms that hardly anything but a credential has.
var credentialValues = []struct {
	kind string
	form *regexp.Regexp
}{
	{"a private key", regexp.MustCompile(`-----BEGIN [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----`)},
	{"a URL with a password", regexp.MustCompile(`(?i)[a-z][a-z0-9+.-]*://[^\s/:@]*:[^\s/@]+@`)},
	{"a token of GitHub", regexp.MustCompile(`\b(gh[opusr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})`)},
	{"a token of GitLab", regexp.MustCompile(`\bgl(pat|dt|ptt|rt|cbt)-[A-Za-z0-9_-]{16,}`)},
	{"a token of Slack", regexp.MustCompile(`\bxox[a-z]-[A-Za-z0-9-]{10,}`)},
	{"a key of AWS", regexp.MustCompile(`\b(AKIA|ASIA)[A-Z0-9]{16}\b`)},
	{"a key of Google", regexp.MustCompile(`\bAIza[A-Za-z0-9_-]{35}`)},
	{"a token of npm", regexp.MustCompile(`\bnpm_[A-Za-z0-9]{36}`)},
	{"a token of Docker Hub", regexp.MustCompile(`\bdckr_(pat|oat)_[A-Za-z0-9_-]{20,}`)},
	{"a JSON web token", regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.`)},
}
