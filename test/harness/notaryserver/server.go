package notaryserver

// One child process and its life: started, awaited, stopped.

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/opensbs/sbs/server/process"
)

const (
	// program is where the name of the server is looked up in PATH.
	program = "notary-server"

	// startAttempts bounds how often another free port is tried when some
	// other process took the first one between looking and listening.
	startAttempts = 5
	// startLimit bounds one attempt, however patient the caller's context is.
	startLimit = 15 * time.Second
	// askEvery is the pace at which a starting server is asked whether it answers.
	askEvery = 10 * time.Millisecond
	// stopLimit bounds how long the child may take to obey SIGTERM.
	stopLimit = 5 * time.Second
)

// Options says how to run the server.
type Options struct {
	// Dir is the folder for the server's files, made if it is not there:
	// ca.pem, server-key.pem, config.json and notary-server.log.
	Dir string
}

// Server is a running notary server. Close stops it.
type Server struct {
	process *process.Child
	address string // host:port
	ca      []byte // PEM
	dir     string
}

// Start makes a certificate that is its own CA, starts the server and returns once it
// answers over TLS. ctx bounds the start only: a started server runs until
// Close, or until this process dies. An error carries the end of the server's
// own log when the server gave up.
func Start(ctx context.Context, options Options) (*Server, error) {
	ca, err := writeCertificate(options.Dir)
	if err != nil {
		return nil, fmt.Errorf("make the notary server's certificate: %w", err)
	}
	var failures []error
	for range startAttempts {
		server, err := attempt(ctx, options.Dir, ca)
		if err == nil {
			return server, nil
		}
		failures = append(failures, err)
		if ctx.Err() != nil || !errors.Is(err, errExited) {
			break
		}
	}
	return nil, fmt.Errorf("start notary server: %w", errors.Join(failures...))
}

// attempt starts the server on one free port.
func attempt(ctx context.Context, dir string, ca []byte) (*Server, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	config, err := writeConfig(dir, address)
	if err != nil {
		return nil, err
	}
	process, err := run(config, filepath.Join(dir, logName))
	if err != nil {
		return nil, err
	}
	server := &Server{process: process, address: address, ca: ca, dir: dir}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if err := server.answers(ctx); err != nil {
		return nil, errors.Join(err, process.Kill())
	}
	return server, nil
}

// freeAddress is a port of loopback nobody listens on at this moment.
func freeAddress(ctx context.Context) (string, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return address, nil
}

// answers waits until the server speaks TLS with the certificate of this run
// (another process on that port could not) and serves its API.
func (s *Server) answers(ctx context.Context) error {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.ca)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	defer transport.CloseIdleConnections()
	ticker := time.NewTicker(askEvery)
	defer ticker.Stop()
	for {
		cause := ask(ctx, &http.Client{Transport: transport}, s.URL()+"/v2/")
		if cause == nil {
			return nil
		}
		select {
		case <-s.process.Done():
			return s.exited()
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w (%w)", s.URL(), ctx.Err(), cause)
		case <-ticker.C:
		}
	}
}

func ask(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<16))
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	return nil
}

// URL is the server's address, https://127.0.0.1:port.
func (s *Server) URL() string { return "https://" + s.address }

// CABundle is the PEM certificate by which clients trust the server.
func (s *Server) CABundle() []byte { return append([]byte(nil), s.ca...) }

// CAFile is the path of the file that holds CABundle.
func (s *Server) CAFile() string { return filepath.Join(s.dir, caName) }

// Close stops the server and returns once its process is gone: by SIGTERM,
// and by SIGKILL when ctx ends or the server has not obeyed within five
// seconds. It reports a server that had ended before it was asked to.
func (s *Server) Close(ctx context.Context) error {
	select {
	case <-s.process.Done():
		return fmt.Errorf("stop notary server: %w", s.exited())
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, stopLimit)
	defer cancel()
	return s.process.Stop(ctx)
}

// errExited is the failure of a server that ended by itself.
var errExited = errors.New("it ended by itself")

func (s *Server) exited() error {
	return fmt.Errorf("%w (%v): %s", errExited, s.process.Err(), lastLines(filepath.Join(s.dir, logName)))
}

// run starts the program with an empty environment, so that no NOTARY_SERVER_*
// variable of the caller changes what it does.
func run(config, log string) (*process.Child, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return nil, fmt.Errorf("%w (install the package \"notary\")", err)
	}
	output, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer output.Close() // the child has its own copy
	command := exec.Command(path, "-config", config, "-logf", "logfmt")
	command.Env = []string{}
	command.Stdout, command.Stderr = output, output
	return process.Start("notary server", command)
}

// lastLines is the end of the server's log, for an error text.
func lastLines(path string) string {
	const most = 2048
	file, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Size() > most {
		if _, err := file.Seek(-most, io.SeekEnd); err != nil {
			return err.Error()
		}
	}
	text, err := io.ReadAll(io.LimitReader(file, most))
	if err != nil {
		return err.Error()
	}
	return string(text)
}
