package source

import (
	"crypto/ed25519"
	"crypto/rand"
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
	keys, err := newHostKeys(nil, []byte(text))
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
		{"other port of a name", line("git.example.com", one), "git.example.com:2222", ""},
		{"other port, changed", line("git.example.com", two), "git.example.com:2222", "changed"},
		{"the port's own key counts", line("git.example.com", one) + line("[git.example.com]:2222", two), "git.example.com:2222", "changed"},
		{"forge at another port", "", "github.com:2222", "changed"},
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

// What is known of a forge is not for a developer to say.
func TestForgesAreAnchored(t *testing.T) {
	one := testKey(t, 1)
	line := func(host string) []byte { return []byte(host + " " + string(ssh.MarshalAuthorizedKey(one))) }
	remote := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 22}
	for _, host := range []string{"github.com", "a.example.com,gitlab.com", "*", "git*", xknownhosts.HashHostname("bitbucket.org"), "@cert-authority *.com,github.com"} {
		err := CheckDeveloperKnownHosts(nil, append([]byte("# mine\n"), line(host)...))
		if err == nil || !strings.Contains(err.Error(), "line 2") || !strings.Contains(err.Error(), "SBS_KNOWN_HOSTS") {
			t.Errorf("%s: %v", host, err)
		}
	}
	for _, text := range []string{
		string(forgeKeys), "@revoked " + string(line("github.com")), string(line("[github.com]:2222")), string(line("*.example.com")), string(line("github.com.example.com")),
	} {
		if err := CheckDeveloperKnownHosts(nil, []byte(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	keys, err := newHostKeys(line("github.com"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := keys.check("github.com:22", remote, one); err != nil {
		t.Errorf("the operator's key: %v", err)
	}
	if err := CheckDeveloperKnownHosts(line("github.com"), line("github.com")); err != nil {
		t.Errorf("the operator's key from the developer: %v", err)
	}
	keys = hostKeysOf(t, string(line("[github.com]:2222")))
	if keys.check("github.com:2222", remote, one) == nil {
		t.Error("a key of the developer counts for a port of a forge")
	}
	keys = hostKeysOf(t, "@revoked "+strings.Split(string(forgeKeys), "\n")[2])
	_, _, key, _, _, err := ssh.ParseKnownHosts(forgeKeys)
	if err != nil || keys.check("github.com:22", remote, key) == nil {
		t.Errorf("a revocation of the developer does not count: %v", err)
	}
}

func TestHostCertificates(t *testing.T) {
	authority, err := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed([]byte(strings.Repeat("z", ed25519.SeedSize))))
	if err != nil {
		t.Fatal(err)
	}
	certificate := &ssh.Certificate{Key: testKey(t, 1), CertType: ssh.HostCert, ValidPrincipals: []string{"git.example.com"}, ValidBefore: ssh.CertTimeInfinity}
	if err := certificate.SignCert(rand.Reader, authority); err != nil {
		t.Fatal(err)
	}
	line := func(names string) string {
		return "@cert-authority " + names + " " + string(ssh.MarshalAuthorizedKey(authority.PublicKey()))
	}
	revoked := "@revoked * " + string(ssh.MarshalAuthorizedKey(authority.PublicKey()))
	remote := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 2301}
	for _, test := range []struct{ name, known, address, want string }{
		{"at its port", line("git.example.com"), "git.example.com:22", ""},
		{"pattern", line("*.example.com"), "git.example.com:22", ""},
		{"at another port", line("git.example.com"), "git.example.com:2301", ""},
		{"pattern at another port", line("*.example.com"), "git.example.com:2301", ""},
		{"for that port", line("[git.example.com]:2301"), "git.example.com:2301", ""},
		{"other host", line("other.example.com"), "git.example.com:2301", "unknown SSH host [git.example.com]:2301"},
		{"no principal", line("*"), "other.example.com:2301", "host certificate of [other.example.com]:2301"},
		{"revoked", line("git.example.com") + revoked, "git.example.com:2301", "revoked"},
	} {
		t.Run(test.name, func(t *testing.T) {
			keys, err := newHostKeys([]byte(test.known), nil)
			if err != nil {
				t.Fatal(err)
			}
			err = keys.check(test.address, remote, certificate)
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if test.want == "" && !slices.Contains(keys.algorithms(test.address), ssh.CertAlgoED25519v01) {
				t.Errorf("algorithms %q", keys.algorithms(test.address))
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
