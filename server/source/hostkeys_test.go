package source

import (
	"crypto/ed25519"
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"
)

// The fingerprints as the forges publish them; known_hosts names the pages.
var published = map[string][]string{
	"github.com": {
		"SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU",
		"SHA256:p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM",
		"SHA256:uNiVztksCsDhcc0u9e8BujQXVUpKZIDTMczCvj3tD2s",
	},
	"gitlab.com": {
		"SHA256:eUXGGm1YGsMAS7vkcx6JOJdOGHPem5gQp4taiCfCLB8",
		"SHA256:HbW3g8zUjNSksFbqTiUWPWg2Bq1x8xdGUrliXFzSnUw",
		"SHA256:ROQFvPThGrW4RuWLoL9tq9I9zJ42fK4XywyRtbOz/EQ",
	},
	"bitbucket.org": {
		"SHA256:ybgmFkzwOSotHTHLJgHO0QN8L0xErw6vd0VhFA9m3SM",
		"SHA256:FC73VB6C4OQLSCrjEayhMp9UMxS97caD/Yyi2bhW/J0",
		"SHA256:46OSHA1Rmj8E8ERTC6xkNcmGOw9oFxYr0WF6zWW8l1E",
	},
}

func TestForgeKeys(t *testing.T) {
	found := map[string][]string{}
	rest := forgeKeys
	for {
		_, hosts, key, _, more, err := ssh.ParseKnownHosts(rest)
		if err != nil {
			break
		}
		found[hosts[0]] = append(found[hosts[0]], ssh.FingerprintSHA256(key))
		rest = more
	}
	if len(found) != len(published) {
		t.Errorf("%d hosts", len(found))
	}
	for host, want := range published {
		if !slices.Equal(found[host], want) {
			t.Errorf("%s has %q, published are %q", host, found[host], want)
		}
	}
	keys := hostKeysOf(t, "")
	want := []string{"ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"}
	if got := keys.algorithms("github.com:22"); !slices.Equal(got, want) {
		t.Errorf("algorithms of github.com: %q", got)
	}
	if got := keys.algorithms("example.com:22"); len(got) > 0 {
		t.Errorf("algorithms of an unknown host: %q", got)
	}
}

func hostKeysOf(t *testing.T, text string) *hostKeys {
	t.Helper()
	keys, err := newHostKeys([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// testKey is a public key that is the same in every run.
func testKey(t *testing.T, seed byte) ssh.PublicKey {
	t.Helper()
	private := ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune('a'+seed)), ed25519.SeedSize)))
	key, err := ssh.NewPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestHostKeys(t *testing.T) {
	one, two := testKey(t, 1), testKey(t, 2)
	line := func(host string, key ssh.PublicKey) string { return host + " " + string(ssh.MarshalAuthorizedKey(key)) }
	remote := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 22}
	for _, test := range []struct {
		name, known, address string
		want                 string // "", "unknown", "changed", "revoked"
	}{
		{"known", line("git.example.com", one), "git.example.com:22", ""},
		{"one of several", line("git.example.com", two) + line("git.example.com", one), "git.example.com:22", ""},
		{"hashed", line(xknownhosts.HashHostname("git.example.com"), one), "git.example.com:22", ""},
		{"pattern", line("*.example.com,!bad.example.com", one), "git.example.com:22", ""},
		{"negated", line("*.example.com,!bad.example.com", one), "bad.example.com:22", "unknown"},
		{"port", line("[git.example.com]:2222", one), "git.example.com:2222", ""},
		{"another port", line("[git.example.com]:2222", one), "git.example.com:22", "unknown"},
		{"other host", line("other.example.com", one), "git.example.com:22", "unknown"},
		{"nothing", "# only a remark\n\n", "git.example.com:22", "unknown"},
		{"changed", line("git.example.com", two), "git.example.com:22", "changed"},
		{"forge", "", "github.com:22", "changed"},
		{"forge with a newer key", line("github.com", one), "github.com:22", ""},
		{"revoked", "@revoked " + line("*", one) + line("git.example.com", one), "git.example.com:22", "revoked"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := hostKeysOf(t, test.known).check(test.address, remote, one)
			var unknown *UnknownHostError
			var changed *HostKeyMismatchError
			got := ""
			switch {
			case errors.As(err, &unknown):
				got = "unknown"
				if hostKeysOf(t, unknown.Line).check(test.address, remote, one) != nil || !strings.Contains(err.Error(), unknown.Line) {
					t.Errorf("the line does not help: %v", err)
				}
			case errors.As(err, &changed):
				got = "changed"
				if changed.Fingerprint != ssh.FingerprintSHA256(one) || len(changed.Known) == 0 || !strings.Contains(err.Error(), changed.Known[0]) {
					t.Errorf("got %+v", changed)
				}
			case err != nil:
				got = "revoked"
			}
			if got != test.want {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestCheckKnownHosts(t *testing.T) {
	good := "git.example.com " + string(ssh.MarshalAuthorizedKey(testKey(t, 1)))
	for name, text := range map[string]string{
		"no key":     good + "\ngit.example.com\n",
		"bad base64": good + "\ngit.example.com ssh-ed25519 !!!\n",
		"bad marker": good + "\n@trusted " + good,
		"prose":      good + "\nplease trust my server\n",
	} {
		t.Run(name, func(t *testing.T) {
			err := CheckKnownHosts([]byte(text))
			if err == nil || !strings.Contains(err.Error(), "line 3") || strings.Contains(err.Error(), os.TempDir()) {
				t.Errorf("got %v", err)
			}
		})
	}
	if err := CheckKnownHosts([]byte(strings.Repeat("#", maxKnownHosts+1))); err == nil {
		t.Error("no bound")
	}
	for _, text := range []string{"", "\n", good, strings.TrimSpace(good), "\r\n" + good + "# end"} {
		if err := CheckKnownHosts([]byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}
