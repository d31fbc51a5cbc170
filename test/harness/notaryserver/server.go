package notaryserver

// The child process: start, wait until it is ready, stop.

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
	// program is the name of the server's program, which must be in PATH.
	program = "notary-server"

	// startAttempts bounds how many ports are tried: another process may bind a
	// free one before the server does.
	startAttempts = 5
	// startLimit bounds one attempt, in addition to the caller's context.
	startLimit = 15 * time.Second
	// probeInterval is the time between two requests to a starting server.
	probeInterval = 10 * time.Millisecond
	// stopLimit bounds the time from SIGTERM to the end of the child.
	stopLimit = 5 * time.Second
)

// Options are the options of Start.
type Options struct {
	// Dir is the folder for the server's files, created if it does not exist:
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

// Start generates a self-signed certificate, starts the server and returns when it
// is ready. ctx bounds the start only: a started server runs until Close, or until
// this process ends. If the server exits, the error has the end of its log.
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
	if err := server.waitReady(ctx); err != nil {
		return nil, errors.Join(err, process.Kill())
	}
	return server, nil
}

// freeAddress returns a loopback address on which no program listens at the moment.
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

// waitReady waits until the server serves its API with the certificate of this run,
// which no other process on that port has.
func (s *Server) waitReady(ctx context.Context) error {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.ca)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	defer transport.CloseIdleConnections()
	ticker := time.NewTicker(probeInterval)
	defer ticker.Stop()
	for {
		cause := probe(ctx, &http.Client{Transport: transport}, s.URL()+"/v2/")
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

func probe(ctx context.Context, client *http.Client, url string) error {
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
		return fmt.Errorf("%s returned %s", url, response.Status)
	}
	return nil
}

// URL returns the server's address, https://127.0.0.1:port.
func (s *Server) URL() string { return "https://" + s.address }

// CABundle returns the server's certificate as PEM, which clients must trust.
func (s *Server) CABundle() []byte { return append([]byte(nil), s.ca...) }

// CAFile returns the path of the file with CABundle.
func (s *Server) CAFile() string { return filepath.Join(s.dir, caName) }

// Close stops the server with SIGTERM, or SIGKILL after five seconds or when ctx
// ends, and returns when its process has ended. It returns an error if the process
// had ended before.
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

// errExited is the error of a server whose process has ended without Close.
var errExited = errors.New("it ended by itself")

func (s *Server) exited() error {
	return fmt.Errorf("%w (%v): %s", errExited, s.process.Err(), lastLines(filepath.Join(s.dir, logName)))
}

// run starts the program with an empty environment, so that no NOTARY_SERVER_*
// variable of the caller overrides the configuration.
func run(config, log string) (*process.Child, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return nil, fmt.Errorf("%w (install the package \"notary\")", err)
	}
	output, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer output.Close() // the child has its own descriptor
	command := exec.Command(path, "-config", config, "-logf", "logfmt")
	command.Env = []string{}
	command.Stdout, command.Stderr = output, output
	return process.Start("notary server", command)
}

// lastLines returns the end of the server's log, for an error text.
func lastLines(path string) string {
	const limit = 2048
	file, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Size() > limit {
		if _, err := file.Seek(-limit, io.SeekEnd); err != nil {
			return err.Error()
		}
	}
	text, err := io.ReadAll(io.LimitReader(file, limit))
	if err != nil {
		return err.Error()
	}
	return string(text)
}
