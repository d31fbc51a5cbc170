package gitserver

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
)

// Phase is a point at which a [Gate] may hold a connection.
type Phase string

// The phases, in the order in which a connection reaches them.
const (
	Accepted Phase = "accepted" // connected, no data received
	Serving  Phase = "serving"  // authenticated, before git runs
	Packing  Phase = "packing"  // a part of the pack was sent
)

// Gate is called in every phase of every connection, which waits until it returns.
// Its context ends with the server.
type Gate func(context.Context, Phase)

// Credential are the credentials of a repository over HTTPS.
type Credential struct {
	User, Token string
}

// Options are the repositories of a server and the access to them.
type Options struct {
	Root           string          // folder of the bare repositories
	AuthorizedKeys []ssh.PublicKey // clients that may read over SSH
	HostKeys       []ssh.Signer    // of the SSH server; none: a new Ed25519 key

	User, Token string                // required over HTTPS unless both are empty
	Credentials map[string]Credential // by repository, instead of User and Token; a zero value makes it public
	TLS         *tls.Certificate      // of the HTTPS server; nil: a new certificate of a new CA

	LFS *LFS // Git LFS of the repositories; nil: none

	AllowAnySHA1InWant bool // git's uploadpack.allowAnySHA1InWant: send any commit by its id
	Version0           bool // support version 0 of the protocol only
	Gate               Gate // nil: no connection is held
}

// Server is a running Git server.
type Server struct {
	options  Options
	git      string // path of the binary
	hostKeys []ssh.Signer
	bundle   []byte
	ssh      net.Listener
	https    net.Listener
	web      *http.Server
	end      context.CancelFunc
	running  sync.WaitGroup
}

// Start starts the server on two free ports of 127.0.0.1. Close stops it; the end of
// ctx ends the requests that run.
func Start(ctx context.Context, options Options) (*Server, error) {
	git, err := findGit()
	if err != nil {
		return nil, err
	}
	if options.Gate == nil {
		options.Gate = func(context.Context, Phase) {}
	}
	if options.Root, err = filepath.Abs(options.Root); err != nil {
		return nil, fmt.Errorf("git server: %w", err)
	}
	s := &Server{options: options, git: git, hostKeys: options.HostKeys}
	if len(s.hostKeys) == 0 {
		if s.hostKeys, err = newHostKey(); err != nil {
			return nil, err
		}
	}
	certificate := options.TLS
	if certificate == nil {
		if certificate, s.bundle, err = newCertificate(); err != nil {
			return nil, err
		}
	}
	if s.ssh, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("git server: %w", err)
	}
	if s.https, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, errors.Join(fmt.Errorf("git server: %w", err), s.ssh.Close())
	}
	ctx, s.end = context.WithCancel(ctx)
	s.running.Go(func() { s.serveSSH(ctx) })
	s.serveHTTPS(ctx, certificate)
	return s, nil
}

// Close closes all connections and returns when all goroutines of the server have
// ended, or when ctx ends, with its error.
func (s *Server) Close(ctx context.Context) error {
	s.end()
	err := errors.Join(s.ssh.Close(), s.web.Close())
	done := make(chan struct{})
	go func() {
		s.running.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		err = errors.Join(err, ctx.Err())
	}
	if err != nil {
		return fmt.Errorf("close git server: %w", err)
	}
	return nil
}

// SSHURL returns the address of a repository over SSH.
func (s *Server) SSHURL(repository string) string {
	return "ssh://git@" + s.ssh.Addr().String() + "/" + repository
}

// HTTPSURL returns the address of a repository over HTTPS.
func (s *Server) HTTPSURL(repository string) string {
	return "https://" + s.https.Addr().String() + "/" + repository
}

// KnownHosts returns the server's host keys as lines for known_hosts.
func (s *Server) KnownHosts() []byte {
	var lines strings.Builder
	host, port, _ := net.SplitHostPort(s.ssh.Addr().String()) // the address of a listener has both
	for _, key := range s.hostKeys {
		fmt.Fprintf(&lines, "[%s]:%s %s", host, port, ssh.MarshalAuthorizedKey(key.PublicKey()))
	}
	return []byte(lines.String())
}

// CABundle returns the CA of the server's certificate as PEM, or nil if the
// certificate is from the options.
func (s *Server) CABundle() []byte { return s.bundle }

// repository returns the folder of a repository below the root.
func (s *Server) repository(name string) (string, error) {
	name = strings.Trim(name, "/")
	if !filepath.IsLocal(name) {
		return "", fmt.Errorf("%q is not a repository of this server", name)
	}
	folder := filepath.Join(s.options.Root, name)
	if _, err := os.Stat(filepath.Join(folder, "HEAD")); err != nil {
		return "", fmt.Errorf("%q does not appear to be a git repository", name)
	}
	return folder, nil
}

// gated calls hold when a part of git's response is written.
type gated struct {
	http.ResponseWriter
	hold    func()
	written int
}

// packingAfter is the number of bytes that are sent before the phase Packing: more
// than a list of references has, and less than a pack of the tests.
const packingAfter = 16 << 10

func (g *gated) Write(p []byte) (int, error) {
	if g.written < packingAfter && g.written+len(p) >= packingAfter {
		defer g.hold()
	}
	g.written += len(p)
	return g.ResponseWriter.Write(p)
}

func newHostKey() ([]ssh.Signer, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate host key: %w", err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		return nil, fmt.Errorf("make host key: %w", err)
	}
	return []ssh.Signer{signer}, nil
}
