package source

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"
)

// forgeKeys are the published host keys of github.com, gitlab.com and
// bitbucket.org, as known_hosts text (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).
//
//go:embed known_hosts
var forgeKeys []byte

// maxKnownHosts bounds the known_hosts text of a request, in bytes.
const maxKnownHosts = 1 << 20

// CheckKnownHosts reports whether text of the operator can be used as known_hosts;
// the error names the first line that cannot. Names may be patterns or hashed,
// lines may be marked @cert-authority or @revoked.
func CheckKnownHosts(text []byte) error {
	_, err := newHostKeys(text, nil)
	return err
}

// CheckDeveloperKnownHosts checks known_hosts text of a developer, who may not
// replace what is known about a forge: by the built-in keys, or by the operator's.
func CheckDeveloperKnownHosts(operator, developer []byte) error {
	_, err := newHostKeys(operator, developer)
	return err
}

// hostKeys decides whether a server's key is one of those known for its name.
type hostKeys struct {
	anchored *knownhosts.HostKeyDB // built-in and of the operator: all that counts for a forge
	all      *knownhosts.HostKeyDB // those of the developer too
}

func newHostKeys(operator, developer []byte) (*hostKeys, error) {
	for _, text := range [][]byte{operator, developer} {
		if len(text) > maxKnownHosts {
			return nil, fmt.Errorf("known hosts: more than %d bytes", maxKnownHosts)
		}
		if err := checkLines(text); err != nil {
			return nil, err
		}
	}
	anchored, err := readKnownHosts(operator, forgeKeys)
	if err != nil {
		return nil, err
	}
	all, err := readKnownHosts(developer, operator, forgeKeys)
	if err != nil {
		return nil, err
	}
	return &hostKeys{anchored, all}, anchoredLines(developer, anchored)
}

// readKnownHosts parses texts. The library reads only files, so the texts, which
// are public, are in a temporary folder meanwhile.
func readKnownHosts(texts ...[]byte) (_ *knownhosts.HostKeyDB, err error) {
	dir, err := os.MkdirTemp("", "known_hosts-")
	if err != nil {
		return nil, fmt.Errorf("known hosts: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	var files []string
	for i, text := range texts {
		files = append(files, filepath.Join(dir, fmt.Sprint(i)))
		if err := os.WriteFile(files[i], text, 0o600); err != nil {
			return nil, fmt.Errorf("known hosts: %w", err)
		}
	}
	known, err := knownhosts.NewDB(files...)
	if err != nil {
		return nil, fmt.Errorf("known hosts: %w", err)
	}
	return known, nil
}

// anchoredLines refuses lines that give a forge another key than the anchored
// ones. A line with one of those keys changes nothing, and a revocation only takes
// away.
func anchoredLines(developer []byte, anchored *knownhosts.HostKeyDB) error {
	whole, err := readKnownHosts(developer)
	if err != nil || !slices.ContainsFunc(Forges(), func(host string) bool { return len(whole.HostKeys(host+":22")) > 0 }) {
		return err
	}
	number := 0
	for line := range bytes.Lines(developer) {
		number++
		marker, _, key, _, _, err := ssh.ParseKnownHosts(append(bytes.TrimSpace(line), '\n'))
		if err != nil || marker == "revoked" {
			continue // an empty line or a comment: checkLines has read them all
		}
		db, err := readKnownHosts(line)
		if err != nil {
			return err
		}
		for _, host := range Forges() {
			address := net.JoinHostPort(host, "22")
			if len(db.HostKeys(address)) > 0 && (marker != "" || anchored.HostKeyCallback()(address, &net.TCPAddr{Port: 22}, key) != nil) {
				return fmt.Errorf("known hosts: line %d gives a key for %s, whose host keys are built in and cannot be given by a developer: remove the line; "+
					"if %s has a new key, the operator can add it with SBS_KNOWN_HOSTS", number, host, host)
			}
		}
	}
	return nil
}

// Forges returns the hosts whose host keys are built in.
func Forges() []string {
	var hosts []string
	for line := range strings.Lines(string(forgeKeys)) {
		host, _, _ := strings.Cut(line, " ")
		if !strings.HasPrefix(host, "#") && (len(hosts) == 0 || hosts[len(hosts)-1] != host) {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// IsForge reports whether the anchors of a host are built in: a developer can give
// it neither host keys nor CA certificates.
func IsForge(host string) bool {
	return slices.ContainsFunc(Forges(), func(forge string) bool { return strings.EqualFold(host, forge) })
}

// IsForgeURL reports whether a URL is on a host of which [IsForge] is true.
func IsForgeURL(text string) bool {
	u, err := ParseURL(text)
	return err == nil && IsForge(u.Host)
}

// addresses lists the forms under which a server is looked up: as it is, and as
// OpenSSH does where that finds nothing, without its port.
func addresses(address string) []string {
	host, port, err := net.SplitHostPort(address)
	if err != nil || port == "22" {
		return []string{address}
	}
	return []string{address, net.JoinHostPort(host, "22")}
}

// of returns what is known about a host.
func (k *hostKeys) of(address string) *knownhosts.HostKeyDB {
	if host, _, err := net.SplitHostPort(address); err == nil && !IsForge(host) {
		return k.all
	}
	return k.anchored
}

// algorithms lists the host key algorithms by which the server at address can
// prove itself. Without it a server would choose, perhaps a key that nobody knows.
// Empty for an unknown host.
func (k *hostKeys) algorithms(address string) []string {
	for _, form := range addresses(address) {
		if found := k.of(address).HostKeyAlgorithms(form); len(found) > 0 {
			return found
		}
	}
	return nil
}

// check is the [ssh.HostKeyCallback].
func (k *hostKeys) check(address string, remote net.Addr, key ssh.PublicKey) error {
	known := k.of(address)
	var err error
	for _, form := range addresses(address) {
		err = known.HostKeyCallback()(form, remote, key)
		if err == nil || len(known.HostKeys(form)) > 0 {
			break
		}
	}
	if err == nil {
		// A developer's revocation counts for a forge too.
		err = k.revokedByAll(address, remote, key)
	}
	if err == nil {
		return nil
	}
	return k.explain(err, address, key)
}

// revokedByAll returns an error if any text marks the key as revoked.
func (k *hostKeys) revokedByAll(address string, remote net.Addr, key ssh.PublicKey) error {
	err := k.all.HostKeyCallback()(address, remote, key)
	var revoked *xknownhosts.RevokedError
	if errors.As(err, &revoked) {
		return err
	}
	return nil
}

// explain turns an error of the library into one with advice.
func (k *hostKeys) explain(err error, address string, key ssh.PublicKey) error {
	host := xknownhosts.Normalize(address)
	certificate, isCertificate := key.(*ssh.Certificate)
	if isCertificate {
		key = certificate.Key
	}
	var known []string
	for _, form := range addresses(address) {
		for _, k := range k.of(address).HostKeys(form) {
			known = append(known, ssh.FingerprintSHA256(k.PublicKey))
		}
	}
	var mismatch *xknownhosts.KeyError
	var revoked *xknownhosts.RevokedError
	switch {
	case errors.As(err, &revoked):
		return fmt.Errorf("the host key of %s with the fingerprint %s is marked @revoked in GITHUB_KNOWN_HOSTS or SBS_KNOWN_HOSTS", host, ssh.FingerprintSHA256(key))
	case len(known) == 0:
		return &UnknownHostError{
			Host: host, KeyType: key.Type(), Fingerprint: ssh.FingerprintSHA256(key),
			Line: xknownhosts.Line([]string{address}, key),
		}
	case errors.As(err, &mismatch):
		return &HostKeyMismatchError{Host: host, KeyType: key.Type(), Fingerprint: ssh.FingerprintSHA256(key), Known: known}
	case isCertificate:
		return fmt.Errorf("host certificate of %s, signed by the CA key %s: %w", host, ssh.FingerprintSHA256(certificate.SignatureKey), err)
	}
	return fmt.Errorf("host key of %s: %w", host, err)
}
