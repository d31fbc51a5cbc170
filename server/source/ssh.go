package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"golang.org/x/crypto/ssh"
)

// sshSession speaks the pack protocol with git-upload-pack over SSH. go-git's
// own transport cannot be used: it dials without a context, so a silent server
// would hold it for ever, and it reads ~/.ssh/config.
type sshSession struct {
	conn    net.Conn
	client  *ssh.Client
	session *ssh.Session
	stdin   io.WriteCloser
	stdout  io.Reader
	stderr  *firstBytes
	release func() bool // ends the watch over the context
	waited  sync.Once   // a second Wait of the library never returns
}

// dialSSH connects to the host of u, proves who both sides are and starts
// git-upload-pack. The connection dies with ctx, whatever it is waiting for.
func dialSSH(ctx context.Context, u URL, signer ssh.Signer, hosts *hostKeys) (*sshSession, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", u.Address())
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	s := &sshSession{conn: conn, stderr: &firstBytes{}}
	s.release = context.AfterFunc(ctx, func() { _ = conn.Close() })
	if err := s.handshake(u, signer, hosts); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.start(u); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *sshSession) handshake(u URL, signer ssh.Signer, hosts *hostKeys) error {
	hostAccepted := false
	config := &ssh.ClientConfig{
		User:              u.User,
		HostKeyAlgorithms: hosts.algorithms(u.Address()),
		HostKeyCallback: func(address string, remote net.Addr, key ssh.PublicKey) error {
			err := hosts.check(address, remote, key)
			hostAccepted = err == nil
			return err
		},
	}
	if signer != nil {
		config.Auth = []ssh.AuthMethod{ssh.PublicKeys(signer)}
	}
	conn, channels, requests, err := ssh.NewClientConn(s.conn, u.Address(), config)
	var network net.Error
	switch {
	case err == nil:
		s.client = ssh.NewClient(conn, channels, requests)
		return nil
	case hostAccepted && signer == nil:
		return fmt.Errorf("%w (no SSH key was given for this host): %w", ErrCredentials, err)
	case hostAccepted && !errors.As(err, &network) && !errors.Is(err, io.EOF):
		return fmt.Errorf("%w: %w", ErrCredentials, err)
	}
	return fmt.Errorf("SSH: %w", err)
}

func (s *sshSession) start(u URL) (err error) {
	if s.session, err = s.client.NewSession(); err != nil {
		return fmt.Errorf("SSH session: %w", err)
	}
	s.session.Stderr = s.stderr
	if s.stdin, err = s.session.StdinPipe(); err != nil {
		return fmt.Errorf("SSH session: %w", err)
	}
	if s.stdout, err = s.session.StdoutPipe(); err != nil {
		return fmt.Errorf("SSH session: %w", err)
	}
	if err := s.session.Start(transport.UploadPackServiceName + " " + shellQuoted(u.Path)); err != nil {
		return fmt.Errorf("start %s: %w", transport.UploadPackServiceName, err)
	}
	return nil
}

// AdvertisedReferencesContext reads the server's references. The context is the
// one the session was dialed with.
func (s *sshSession) AdvertisedReferencesContext(context.Context) (*packp.AdvRefs, error) {
	refs := packp.NewAdvRefs()
	err := refs.Decode(&boundedReader{s.stdout, allowance{"bytes of references", maxAdvertisement, maxAdvertisement}})
	switch {
	case errors.Is(err, packp.ErrEmptyAdvRefs), err == nil && refs.IsEmpty():
		return nil, transport.ErrEmptyRemoteRepository
	case errors.Is(err, packp.ErrEmptyInput):
		// Servers answer a repository they do not show with words on stderr and
		// nothing on stdout, and word it differently.
		s.wait()
		return nil, fmt.Errorf("%w (the server says: %s)", ErrNotFound, s.stderr)
	case err != nil:
		return nil, err
	}
	transport.FilterUnsupportedCapabilities(refs.Capabilities)
	return refs, nil
}

// UploadPack sends what is wanted and returns the answer, of which the pack is
// still to be read. Everything is sent at once: nothing is there to negotiate
// about, since the client has nothing.
func (s *sshSession) UploadPack(_ context.Context, request *packp.UploadPackRequest) (*packp.UploadPackResponse, error) {
	if err := request.UploadRequest.Encode(s.stdin); err != nil {
		return nil, err
	}
	if _, err := io.WriteString(s.stdin, "0009done\n"); err != nil {
		return nil, fmt.Errorf("send request: %w", err)
	}
	if err := s.stdin.Close(); err != nil {
		return nil, fmt.Errorf("send request: %w", err)
	}
	response := packp.NewUploadPackResponse(request)
	if err := response.Decode(io.NopCloser(s.stdout)); err != nil {
		return nil, fmt.Errorf("read response: %w", err)
	}
	return response, nil
}

// Close ends the connection and waits for its goroutines. What the server or
// the network has to say about that is no longer of interest.
func (s *sshSession) Close() error {
	s.release()
	if s.client == nil {
		_ = s.conn.Close()
		return nil
	}
	_ = s.client.Close()
	_ = s.client.Wait()
	if s.session != nil {
		s.wait()
	}
	return nil
}

// wait returns when the program on the server has ended and its stderr is read.
func (s *sshSession) wait() {
	s.waited.Do(func() { _ = s.session.Wait() })
}

// shellQuoted quotes a path for the shell on the server as Git does (quote.c,
// sq_quote_buf), which is also what servers without a shell parse.
func shellQuoted(text string) string {
	return "'" + strings.NewReplacer(`'`, `'\''`, `!`, `'\!'`).Replace(text) + "'"
}

// firstBytes keeps the beginning of what a server says on stderr.
type firstBytes struct {
	mu   sync.Mutex
	text []byte
}

func (f *firstBytes) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.text = append(f.text, p[:min(len(p), 400-len(f.text))]...)
	return len(p), nil
}

// String returns it as one line that is safe in a log.
func (f *firstBytes) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(strings.Fields(strings.Map(printable, string(f.text))), " ")
}

// boundedReader reads at most an allowance, and says so when there is more.
type boundedReader struct {
	reader io.Reader
	left   allowance
}

func (b *boundedReader) Read(p []byte) (int, error) {
	n, err := b.reader.Read(p)
	if limit := b.left.take(int64(n)); limit != nil {
		return 0, limit
	}
	return n, err
}
