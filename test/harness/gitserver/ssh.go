package gitserver

import (
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"

	"golang.org/x/crypto/ssh"
)

// serveSSH accepts connections until the listener closes.
func (s *Server) serveSSH(ctx context.Context) {
	config := &ssh.ServerConfig{PublicKeyCallback: s.authorized}
	for _, key := range s.hostKeys {
		config.AddHostKey(key)
	}
	for {
		conn, err := s.ssh.Accept()
		if err != nil {
			return
		}
		s.running.Go(func() { s.connection(ctx, conn, config) })
	}
}

func (s *Server) authorized(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
	for _, known := range s.options.AuthorizedKeys {
		if subtle.ConstantTimeCompare(known.Marshal(), key.Marshal()) == 1 {
			return &ssh.Permissions{}, nil
		}
	}
	return nil, errors.New("unknown key")
}

// connection serves one client. Errors close the connection and are not reported.
func (s *Server) connection(ctx context.Context, conn net.Conn, config *ssh.ServerConfig) {
	release := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer release()
	defer conn.Close() //nolint:errcheck // see above
	s.options.Gate(ctx, Accepted)
	client, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	s.running.Go(func() { ssh.DiscardRequests(requests) })
	for requested := range channels {
		if requested.ChannelType() != "session" {
			_ = requested.Reject(ssh.UnknownChannelType, "only sessions")
			continue
		}
		channel, requests, err := requested.Accept()
		if err != nil {
			break
		}
		s.running.Go(func() { s.session(ctx, channel, requests) })
	}
	_ = client.Close()
}

// session runs the one command of a channel.
func (s *Server) session(ctx context.Context, channel ssh.Channel, requests <-chan *ssh.Request) {
	defer channel.Close() //nolint:errcheck // see connection
	protocol := ""
	for request := range requests {
		var variable struct{ Name, Value string }
		if request.Type == "env" && ssh.Unmarshal(request.Payload, &variable) == nil && variable.Name == "GIT_PROTOCOL" && !s.options.Version0 {
			protocol = variable.Value
			_ = request.Reply(true, nil)
			continue
		}
		if request.Type != "exec" {
			_ = request.Reply(false, nil)
			continue
		}
		var exec struct{ Command string }
		err := ssh.Unmarshal(request.Payload, &exec)
		_ = request.Reply(err == nil, nil)
		if err != nil {
			return
		}
		s.running.Go(func() { ssh.DiscardRequests(requests) })
		status := struct{ Code uint32 }{}
		if err := s.command(ctx, exec.Command, protocol, channel); err != nil {
			status.Code = 128
			_, _ = fmt.Fprintf(channel.Stderr(), "fatal: %v\n", err)
		}
		_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(status))
		return
	}
}

// command runs the command of a client.
func (s *Server) command(ctx context.Context, command, protocol string, channel ssh.Channel) error {
	if s.options.LFS != nil && strings.HasPrefix(command, "git-lfs-authenticate ") {
		return s.authenticateLFS(command, channel)
	}
	return s.uploadPack(ctx, command, protocol, channel)
}

// unquoted removes the quotes of a command line from a path.
func unquoted(argument string) string {
	name := strings.NewReplacer(`'\''`, `'`, `'\!'`, `!`).Replace(argument)
	return strings.TrimSuffix(strings.TrimPrefix(name, "'"), "'")
}

// uploadPack runs git upload-pack for the command line of a client:
// git-upload-pack '<path>'.
func (s *Server) uploadPack(ctx context.Context, command, protocol string, channel ssh.Channel) error {
	program, argument, _ := strings.Cut(command, " ")
	if program != "git-upload-pack" {
		return fmt.Errorf("%q is not served", program)
	}
	folder, err := s.repository(unquoted(argument))
	if err != nil {
		return err
	}
	s.options.Gate(ctx, Serving)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	git := exec.CommandContext(ctx, s.git, "upload-pack", "--strict", folder)
	git.Env = append(s.environment(), "GIT_PROTOCOL="+protocol)
	stdin, err := git.StdinPipe()
	if err != nil {
		return err
	}
	var messages bytes.Buffer
	git.Stderr = &messages
	git.Stdout = &gated{ResponseWriter: channelWriter{channel}, hold: func() { s.options.Gate(ctx, Packing) }}
	if err := git.Start(); err != nil {
		return err
	}
	s.running.Go(func() {
		// Ends when the client has closed the channel.
		_, _ = io.Copy(stdin, channel)
		_ = stdin.Close()
	})
	if err := git.Wait(); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(messages.String()))
	}
	return nil
}

// channelWriter is a channel as an http.ResponseWriter, for gated.
type channelWriter struct {
	ssh.Channel
}

func (channelWriter) Header() http.Header { return nil }
func (channelWriter) WriteHeader(int)     {}
