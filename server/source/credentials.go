package source

import (
	"encoding/base64"
	"errors"
	"fmt"

	"golang.org/x/crypto/ssh"
)

// Authentication schemes for a token over HTTPS.
const (
	AuthBasic  = "basic" // the default
	AuthBearer = "bearer"
)

// credential opens repositories on one host, or some of them.
type credential struct {
	signer      ssh.Signer // for SSH
	user, token string     // for HTTPS
	auth        string     // AuthBasic or AuthBearer
	within      *scope     // where the token may be sent; nil: the origin that it was chosen for
}

// isFor reports whether a request to u on the same origin may have the token.
func (c credential) isFor(u URL) bool { return c.within == nil || c.within.covers(u) }

// header returns the Authorization header for u, or "" without a credential. A user
// name alone is none.
func (c credential) header(u URL) string {
	if c.token == "" {
		return ""
	}
	if c.auth == AuthBearer {
		return "Bearer " + c.token
	}
	user := c.user
	if user == "" {
		user = u.User
	}
	if user == "" {
		user = "git" // the forges look at the token only, but require a name
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+c.token))
}

func checkAuth(auth string) error {
	switch auth {
	case "", AuthBasic, AuthBearer:
		return nil
	}
	return fmt.Errorf("auth: %q is neither %s nor %s", auth, AuthBasic, AuthBearer)
}

// parseKey reads the private key. Its errors contain nothing of the key itself.
func parseKey(text []byte) (ssh.Signer, error) {
	if len(text) == 0 {
		return nil, nil
	}
	signer, err := ssh.ParsePrivateKey(text)
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) {
		return nil, errors.New("SSH key: it has a passphrase; give a key without one")
	}
	if err != nil {
		return nil, errors.New("SSH key: it is no private key in PEM or OpenSSH form")
	}
	return signer, nil
}
