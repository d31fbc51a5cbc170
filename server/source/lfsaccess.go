package source

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"

	"golang.org/x/crypto/ssh"
)

// lfsServer finds the LFS server of a repository (git-lfs, docs/api/
// server-discovery.md): what .lfsconfig names, if that is on the same host; else
// for SSH what git-lfs-authenticate returns, and for HTTPS the repository's own.
func (c *cloner) lfsServer(ctx context.Context, repository URL, reference string, files *checkout) (*lfsServer, error) {
	named, err := files.lfsConfig()
	if err != nil {
		return nil, err
	}
	at := repository
	if named != "" {
		if at, err = repository.resolve(named); err != nil {
			return nil, fmt.Errorf(".lfsconfig: %w", err)
		}
		if at.Host != repository.Host {
			return nil, fmt.Errorf(".lfsconfig names a server on another host, %s: only one on %s is used", at.Host, repository.Host)
		}
	}
	if at.Scheme != schemeSSH {
		if named == "" {
			if at, err = ParseURL(at.Scheme + "://" + net.JoinHostPort(at.Host, fmt.Sprint(at.Port)) + lfsPath(at.Path)); err != nil {
				return nil, err
			}
		}
		return c.newLFSServer(ctx, at, reference), nil
	}
	return c.authenticateLFS(ctx, at, reference)
}

// authenticateLFS requests the address and the headers of the LFS server of a
// repository from an SSH server.
func (c *cloner) authenticateLFS(ctx context.Context, u URL, reference string) (*lfsServer, error) {
	reply, err := c.runSSH(ctx, u, "git-lfs-authenticate "+shellQuoted(u.Path)+" download")
	if err != nil {
		return nil, fmt.Errorf("git-lfs-authenticate: %w", err)
	}
	var access lfsAction
	if err := json.Unmarshal(reply, &access); err != nil {
		return nil, fmt.Errorf("git-lfs-authenticate: the reply is not JSON: %w", err)
	}
	if access.Href == "" {
		access.Href = "https://" + net.JoinHostPort(u.Host, "443") + lfsPath("/"+strings.TrimPrefix(u.Path, "/"))
	}
	endpoint, err := lfsURL(strings.TrimRight(access.Href, "/"))
	if err != nil {
		return nil, fmt.Errorf("git-lfs-authenticate: %w", err)
	}
	server := c.newLFSServer(ctx, endpoint, reference)
	server.header = access.Header
	return server, nil
}

// runSSH runs one command on a server and returns what it writes.
func (c *cloner) runSSH(ctx context.Context, u URL, command string) (reply []byte, err error) {
	s, err := connectSSH(ctx, u, c.credentialFor(u).signer, c.hosts)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	session, err := s.client.NewSession()
	if err != nil {
		return nil, fmt.Errorf("SSH session: %w", err)
	}
	defer session.Close() //nolint:errcheck // the connection ends with it
	var out limitedBuffer
	session.Stdout, session.Stderr = &out, s.stderr
	if err := session.Run(command); err != nil {
		var exit *ssh.ExitError
		if errors.As(err, &exit) {
			return nil, fmt.Errorf("the server has no Git LFS for this repository, or refuses it (%s)", s.stderr)
		}
		return nil, err
	}
	return out.Bytes(), nil
}

// limitedBuffer keeps what is written to it, up to a bound.
type limitedBuffer struct{ bytes.Buffer }

func (b *limitedBuffer) Write(p []byte) (int, error) {
	const most = 64 << 10
	if b.Len()+len(p) > most {
		return 0, errors.New("the reply is too long")
	}
	return b.Buffer.Write(p)
}
