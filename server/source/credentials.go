package source

import (
	"encoding/base64"
	"fmt"

	"golang.org/x/crypto/ssh"
)

// Ways in which a token is sent over HTTPS.
const (
	AuthBasic  = "basic" // the default
	AuthBearer = "bearer"
)

// credential opens repositories on one host.
type credential struct {
	signer      ssh.Signer // for SSH
	user, token string     // for HTTPS
	auth        string     // AuthBasic or AuthBearer
}

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
