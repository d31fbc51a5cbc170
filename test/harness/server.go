package harness

// The build server runs as in production, as a process of its own with an
// environment and a data volume, so that a test can kill it at any moment.

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
	serverLogName = "server.log"
	logTail       = 4 << 10 // bytes of the log in an error

	// probeInterval is the time between two requests to a starting server.
	probeInterval = 10 * time.Millisecond
)

// Server is the build server of a stack. Its methods must not be called
// concurrently.
type Server struct {
	dir         folder
	binary      string
	address     string
	environment []string
	client      *http.Client
	process     *process.Child // nil while it does not run
}

func newServer(dir folder, clientID, binary, port string, contract []string) (*Server, error) {
	volume, err := dir.part("volume")
	if err != nil {
		return nil, err
	}
	client, err := newClient(dir.path("." + containerName + "-" + clientID))
	if err != nil {
		return nil, err
	}
	binary, err = filepath.Abs(binary)
	if err != nil {
		return nil, fmt.Errorf("find the server's program: %w", err)
	}
	s := &Server{
		dir:     dir,
		binary:  binary,
		address: net.JoinHostPort(hostname, port),
		client:  client,
	}
	s.environment = append(contract,
		"SBS_LISTEN="+net.JoinHostPort("127.0.0.1", port),
		"SBS_VOLUME="+volume,
		"SBS_SIMULATED_ENCLAVE="+s.Enclave(),
		"SBS_KNOWN_HOSTS="+dir.path(knownHostsName),
		"SBS_CA_BUNDLE="+dir.path(caName),
	)
	for _, key := range []string{"DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "TMPDIR"} {
		if value, set := os.LookupEnv(key); set {
			s.environment = append(s.environment, key+"="+value)
		}
	}
	return s, nil
}

// URL returns the server's address for a client with the stack's certificates.
func (s *Server) URL() string { return "https://" + s.address }

// Client returns an HTTP client with the stack's client certificate.
func (s *Server) Client() *http.Client { return s.client }

// Volume returns the folder of the server's data volume.
func (s *Server) Volume() string { return s.dir.path(partsName, "volume") }

// Enclave returns the folder with the secrets of the simulated enclave.
func (s *Server) Enclave() string { return s.dir.path(partsName, enclaveName) }

// Log returns the path of the server's log, to which every start appends.
func (s *Server) Log() string { return s.dir.path(partsName, serverLogName) }

// PID returns the server's process id, 0 while it does not run.
func (s *Server) PID() int {
	if s.process == nil {
		return 0
	}
	return s.process.PID()
}

// Done returns a channel that is closed when the server process has ended. It is nil
// while none runs.
func (s *Server) Done() <-chan struct{} {
	if s.process == nil {
		return nil
	}
	return s.process.Done()
}

// Err returns how the server process ended: nil means exit code 0. It must be called
// after Done is closed only.
func (s *Server) Err() error { return s.process.Err() }

// Kill kills the server with SIGKILL, as a power failure does.
func (s *Server) Kill() error {
	if s.process == nil {
		return nil
	}
	err := s.process.Kill()
	s.process = nil
	return err
}

// Stop sends SIGTERM to the server and waits until it has ended. When ctx ends
// before, it kills the server and returns an error.
func (s *Server) Stop(ctx context.Context) error {
	if s.process == nil {
		return nil
	}
	err := s.process.Stop(ctx)
	s.process = nil
	return err
}

// Restart stops the server if it runs, starts it with the same address, volume and
// enclave, and returns when it is ready.
func (s *Server) Restart(ctx context.Context) error {
	return errors.Join(s.Stop(ctx), s.start(ctx))
}

// Launch starts the server, which must not run, and returns before it is ready.
func (s *Server) Launch() error {
	log, err := os.OpenFile(s.Log(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open the server's log: %w", err)
	}
	defer log.Close() // the process has its own descriptor
	command := exec.Command(s.binary)
	command.Dir = s.dir.path(partsName)
	command.Env = s.environment
	command.Stdout, command.Stderr = log, log
	s.process, err = process.Start("sbs-server", command)
	return err
}

// close stops the server and closes the client's connections.
func (s *Server) close(ctx context.Context) error {
	defer s.client.CloseIdleConnections()
	return s.Stop(ctx)
}

func (s *Server) start(ctx context.Context) error {
	if err := s.Launch(); err != nil {
		return err
	}
	if err := s.WaitReady(ctx); err != nil {
		err = fmt.Errorf("%w; the end of its log %s:\n%s", err, s.Log(), s.tail())
		return errors.Join(err, s.Kill())
	}
	return nil
}

// WaitReady waits until the running server returns its status over mutual TLS.
func (s *Server) WaitReady(ctx context.Context) error {
	ticker := time.NewTicker(probeInterval)
	defer ticker.Stop()
	for {
		err := s.probe(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ticker.C:
		case <-s.process.Done():
			return fmt.Errorf("the server ended before it was ready: %w", errors.Join(s.process.Err(), err))
		case <-ctx.Done():
			return fmt.Errorf("the server did not get ready in time: %w", errors.Join(ctx.Err(), err))
		}
	}
}

func (s *Server) probe(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL()+"/image", nil)
	if err != nil {
		return fmt.Errorf("get the status: %w", err)
	}
	response, err := s.client.Do(request)
	if err != nil {
		return fmt.Errorf("get the status: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("get the status: the server returned %s", response.Status)
	}
	return nil
}

// tail returns the end of the log, for an error.
func (s *Server) tail() string {
	log, err := os.Open(s.Log())
	if err != nil {
		return err.Error()
	}
	defer log.Close()
	if info, err := log.Stat(); err == nil && info.Size() > logTail {
		if _, err := log.Seek(-logTail, io.SeekEnd); err != nil {
			return err.Error()
		}
	}
	text, err := io.ReadAll(io.LimitReader(log, logTail))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// newClient loads the client certificate and the CA that sbs-cli has written: the
// certificate and its key are in one file at path, the CA is in the folder path.d.
func newClient(path string) (*http.Client, error) {
	pair, err := tls.LoadX509KeyPair(path, path)
	if err != nil {
		return nil, fmt.Errorf("load the client certificate: %w", err)
	}
	ca, err := os.ReadFile(path + ".d/client-ca.pem")
	if err != nil {
		return nil, fmt.Errorf("load the client's CA: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("load the client's CA: no certificate in %s.d/client-ca.pem", path)
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{pair},
		RootCAs:      pool,
	}}}, nil
}
