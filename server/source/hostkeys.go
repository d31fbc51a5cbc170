package source

import (
	_ "embed"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

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

// CheckKnownHosts says whether text can be used as known_hosts; the error tells
// the first line that cannot. Names may be patterns or hashed, lines may be
// marked @cert-authority or @revoked.
func CheckKnownHosts(text []byte) error {
	_, err := newHostKeys(text)
	return err
}

// hostKeys decides whether a server is the one it should be.
type hostKeys struct {
	known *knownhosts.HostKeyDB
}

// newHostKeys reads the built-in keys and more of them. The library reads only
// files, so the text, which is public, lies in a temporary folder meanwhile.
func newHostKeys(more []byte) (_ *hostKeys, err error) {
	if len(more) > maxKnownHosts {
		return nil, fmt.Errorf("known hosts: more than %d bytes", maxKnownHosts)
	}
	if err := checkLines(more); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "known_hosts-")
	if err != nil {
		return nil, fmt.Errorf("known hosts: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	files := []string{filepath.Join(dir, "request"), filepath.Join(dir, "built-in")}
	for i, text := range [][]byte{more, forgeKeys} {
		if err := os.WriteFile(files[i], text, 0o600); err != nil {
			return nil, fmt.Errorf("known hosts: %w", err)
		}
	}
	known, err := knownhosts.NewDB(files...)
	if err != nil {
		return nil, fmt.Errorf("known hosts: %w", err)
	}
	return &hostKeys{known: known}, nil
}

// algorithms lists the host key algorithms by which the server at address can
// prove itself. Without it a server would choose, perhaps a key nobody noted
// down. Empty for an unknown host.
func (k *hostKeys) algorithms(address string) []string {
	return k.known.HostKeyAlgorithms(address)
}

// check is the [ssh.HostKeyCallback].
func (k *hostKeys) check(address string, remote net.Addr, key ssh.PublicKey) error {
	err := k.known.HostKeyCallback()(address, remote, key)
	if err == nil {
		return nil
	}
	host := xknownhosts.Normalize(address)
	var mismatch *xknownhosts.KeyError
	var revoked *xknownhosts.RevokedError
	switch {
	case errors.As(err, &revoked):
		return fmt.Errorf("the host key of %s with the fingerprint %s is marked @revoked in GITHUB_KNOWN_HOSTS", host, ssh.FingerprintSHA256(key))
	case !errors.As(err, &mismatch):
		return fmt.Errorf("host key of %s: %w", host, err)
	case len(mismatch.Want) == 0:
		return &UnknownHostError{
			Host: host, KeyType: key.Type(), Fingerprint: ssh.FingerprintSHA256(key),
			Line: xknownhosts.Line([]string{address}, key),
		}
	}
	changed := &HostKeyMismatchError{Host: host, KeyType: key.Type(), Fingerprint: ssh.FingerprintSHA256(key)}
	for _, known := range mismatch.Want {
		changed.Known = append(changed.Known, ssh.FingerprintSHA256(known.Key))
	}
	return changed
}
