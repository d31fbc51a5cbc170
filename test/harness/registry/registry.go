package registry

// The registry with its accounts. As in production, every request needs a password,
// and the read-only account of a deployment cannot push.

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/api/errcode"
	_ "github.com/distribution/distribution/v3/registry/auth/htpasswd"
	"github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
	"github.com/sirupsen/logrus"
	"golang.org/x/crypto/bcrypt"

	"github.com/opensbs/sbs/test/harness/loopback"
)

// Account is a user name and its password.
type Account struct {
	User     string
	Password string
}

// Server is a running registry.
type Server struct {
	http *loopback.Server
	app  *handlers.App

	writer, reader Account
}

// Start starts a registry that stores its files in dir, which it creates. ctx
// bounds the start only. extensions, such as WithSignatures, wrap its handler.
func Start(ctx context.Context, dir string, extensions ...func(http.Handler) http.Handler) (*Server, error) {
	s := &Server{
		writer: Account{User: "builder", Password: rand.Text()},
		reader: Account{User: "reader", Password: rand.Text()},
	}
	passwords := filepath.Join(dir, "htpasswd")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the registry's folder: %w", err)
	}
	if err := writePasswords(passwords, s.writer, s.reader); err != nil {
		return nil, err
	}
	// The library logs each refused request to the process-wide logger, and the first
	// request of every client has no credentials and is refused.
	logrus.SetOutput(io.Discard)
	s.app = handlers.NewApp(context.WithoutCancel(ctx), settings(filepath.Join(dir, "blobs"), passwords))

	var handler http.Handler = s.app
	for _, extend := range extensions {
		handler = extend(handler)
	}
	server, err := loopback.Serve(ctx, s.readOnly(handler), nil)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the registry: %w", err), s.app.Shutdown())
	}
	s.http = server
	return s, nil
}

// Address returns the registry's host:port, the first part of an image reference.
func (s *Server) Address() string { return s.http.Address() }

// Writer returns the account that may pull and push.
func (s *Server) Writer() Account { return s.writer }

// Reader returns the account that may only pull.
func (s *Server) Reader() Account { return s.reader }

// Close stops the registry. It waits for running requests until ctx ends.
func (s *Server) Close(ctx context.Context) error {
	return errors.Join(s.http.Close(ctx), s.app.Shutdown())
}

// readOnly refuses all requests of the reader but GET and HEAD.
func (s *Server) readOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _, _ := r.BasicAuth()
		reads := r.Method == http.MethodGet || r.Method == http.MethodHead
		if user == s.reader.User && !reads {
			// An error means that the client has gone away.
			_ = errcode.ServeJSON(w, errcode.ErrorCodeDenied.WithMessage("this account may only read"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func settings(blobs, passwords string) *configuration.Configuration {
	return &configuration.Configuration{
		Storage: configuration.Storage{
			"filesystem": {"rootdirectory": blobs},
			"delete":     {"enabled": true},
			"maintenance": {
				// A stack does not run long enough for purging.
				"uploadpurging": map[any]any{"enabled": false},
			},
		},
		Auth: configuration.Auth{
			"htpasswd": {"realm": "local stack", "path": passwords},
		},
	}
}

// writePasswords writes an htpasswd file. The passwords are random and valid as long
// as the stack runs, so the minimum cost of bcrypt is enough; each request computes
// a hash.
func writePasswords(path string, accounts ...Account) error {
	var text bytes.Buffer
	for _, account := range accounts {
		hash, err := bcrypt.GenerateFromPassword([]byte(account.Password), bcrypt.MinCost)
		if err != nil {
			return fmt.Errorf("hash the password of %s: %w", account.User, err)
		}
		fmt.Fprintf(&text, "%s:%s\n", account.User, hash)
	}
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		return fmt.Errorf("write the registry's passwords: %w", err)
	}
	return nil
}
