package source

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"

	"github.com/opensbs/sbs/server/source/gitstore"
	"github.com/opensbs/sbs/server/source/wire"
	"golang.org/x/crypto/ssh"
)

// sshConnection is a [wire.Connection] to git-upload-pack over SSH. go-git's
// own transport cannot be used: it dials without a context, so a silent server
// would hold it for ever, and it reads ~/.ssh/config.
type sshConnection struct {
	conn    net.Conn
	client  *ssh.Client
	session *ssh.Session
	stdin   io.WriteCloser
	stdout  *bufio.Reader
	stderr  *firstBytes
	release func() bool // ends the watch over the context
	waited  sync.Once   // a second Wait of the library never returns
}

// dialSSH connects to the host of u and starts git-upload-pack. The connection dies
// with ctx, whatever it is waiting for.
func dialSSH(ctx context.Context, u URL, signer ssh.Signer, hosts *hostKeys) (*sshConnection, error) {
	s, err := connectSSH(ctx, u, signer, hosts)
	if err != nil {
		return nil, err
	}
	if err := s.start(u); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// connectSSH connects to the host of u and proves who both sides are.
func connectSSH(ctx context.Context, u URL, signer ssh.Signer, hosts *hostKeys) (*sshConnection, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", u.Address())
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	s := &sshConnection{conn: reportingConn{conn, ctx}, stderr: &firstBytes{}}
	s.release = context.AfterFunc(ctx, func() { _ = conn.Close() })
	if err := s.handshake(u, signer, hosts); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *sshConnection) handshake(u URL, signer ssh.Signer, hosts *hostKeys) error {
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
	// Some servers offer nothing but the last of these.
	config.SetDefaults()
	config.KeyExchanges = append(config.KeyExchanges, ssh.KeyExchangeDH16SHA512, ssh.KeyExchangeDHGEXSHA256)
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
		return fmt.Errorf("%w (no SSH key was given for this address; GITHUB_CREDENTIALS takes one for each host or repository): %w", ErrCredentials, err)
	case hostAccepted && !errors.As(err, &network) && !errors.Is(err, io.EOF):
		return fmt.Errorf("%w: %w", ErrCredentials, err)
	}
	return fmt.Errorf("SSH: %w", err)
}

func (s *sshConnection) start(u URL) (err error) {
	if s.session, err = s.client.NewSession(); err != nil {
		return fmt.Errorf("SSH session: %w", err)
	}
	s.session.Stderr = s.stderr
	if s.stdin, err = s.session.StdinPipe(); err != nil {
		return fmt.Errorf("SSH session: %w", err)
	}
	stdout, err := s.session.StdoutPipe()
	if err != nil {
		return fmt.Errorf("SSH session: %w", err)
	}
	s.stdout = bufio.NewReaderSize(stdout, 64<<10)
	// A server may refuse the variable, and then speaks version 0: no reply is
	// waited for.
	variable := struct{ Name, Value string }{"GIT_PROTOCOL", wire.Version}
	if _, err := s.session.SendRequest("env", false, ssh.Marshal(variable)); err != nil {
		return fmt.Errorf("SSH session: %w", err)
	}
	if err := s.session.Start(wire.Service + " " + shellQuoted(u.Path)); err != nil {
		return fmt.Errorf("start %s: %w", wire.Service, err)
	}
	return nil
}

// stream is the output of the program on the server, of which each response is a
// part.
type stream struct {
	*bufio.Reader
}

// Stream returns the reader that all responses share.
func (s stream) Stream() *bufio.Reader { return s.Reader }

// Close leaves the stream open for the next response.
func (stream) Close() error { return nil }

// Discover returns the output of the program, which begins with its greeting. The
// context is the one that the connection was dialed with. Servers reply to a
// repository that they do not show with words on stderr and nothing on stdout, and
// word it differently.
func (s *sshConnection) Discover(context.Context) (io.ReadCloser, error) {
	if _, err := s.stdout.Peek(1); errors.Is(err, io.EOF) {
		s.wait()
		return nil, fmt.Errorf("%w (the server reports: %s)", ErrNotFound, s.stderr)
	}
	return stream{s.stdout}, nil
}

// Request sends a request.
func (s *sshConnection) Request(_ context.Context, body []byte, last bool) (io.ReadCloser, error) {
	if _, err := s.stdin.Write(body); err != nil {
		return nil, fmt.Errorf("send request: %w", err)
	}
	if last {
		if err := s.stdin.Close(); err != nil {
			return nil, fmt.Errorf("send request: %w", err)
		}
	}
	return stream{s.stdout}, nil
}

// Close ends the connection and waits for its goroutines. What the server or the
// network reports about that is no longer of interest.
func (s *sshConnection) Close() error {
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
func (s *sshConnection) wait() {
	s.waited.Do(func() { _ = s.session.Wait() })
}

// shellQuoted quotes a path for the shell on the server as Git does (quote.c,
// sq_quote_buf), which is also what servers without a shell parse.
func shellQuoted(text string) string {
	return "'" + strings.NewReplacer(`'`, `'\''`, `!`, `'\!'`).Replace(text) + "'"
}

// firstBytes keeps the beginning of what a server writes to stderr.
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

// boundedReader reads up to a budget, and fails with its error after that.
type boundedReader struct {
	reader io.Reader
	left   gitstore.Budget
}

func (b *boundedReader) Read(p []byte) (int, error) {
	n, err := b.reader.Read(p)
	if limit := b.left.Take(int64(n)); limit != nil {
		return 0, limit
	}
	return n, err
}
