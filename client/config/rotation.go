package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/opensbs/sbs/client/advice"
	"github.com/opensbs/sbs/client/atomicfile"
)

// A new SECRET is stored in three files in turn: a file next to the configuration,
// the server, the configuration. It is in the first before the server hears of it
// and leaves it only when the configuration has it, so that a lost reply, or a
// crash between any two steps, never loses the one secret that the server still
// takes. The server replies to the repetition of an update as to the update itself.

// Rotation is the replacement of SECRET by a new one.
type Rotation struct {
	config  *Config
	secret  string
	resumed bool
}

// NewSecret is the secret that the server is to take.
func (r *Rotation) NewSecret() string { return r.secret }

// Resumed reports whether the rotation was begun by an earlier call, whose
// outcome is not known.
func (r *Rotation) Resumed() bool { return r.resumed }

// BeginRotation goes on with a rotation that was not finished, or makes a new
// secret and keeps it durably next to the configuration.
func (c *Config) BeginRotation() (*Rotation, error) {
	if text(c.doc.value("SECRET")) == "" {
		return nil, advice.New(errors.New("new secret: SECRET is not in the configuration, so the new one can't be stored"), "write the present SECRET into "+c.path)
	}
	if pending, err := c.PendingRotation(); pending != nil || err != nil {
		return pending, err
	}
	secret, err := NewSecret()
	if err != nil {
		return nil, fmt.Errorf("new secret: %w", err)
	}
	if err := atomicfile.Write(c.pendingPath(), []byte(secret+"\n"), 0o600); err != nil {
		return nil, fmt.Errorf("new secret: %w", err)
	}
	return &Rotation{config: c, secret: secret}, nil
}

// PendingRotation returns the rotation that an earlier call began and did not
// finish, or nil.
func (c *Config) PendingRotation() (*Rotation, error) {
	data, err := readBounded(c.pendingPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("new secret: %w", err)
	}
	secret := strings.TrimSpace(string(data))
	if _, err := base64.StdEncoding.DecodeString(secret); err != nil || secret == "" {
		return nil, advice.New(fmt.Errorf("new secret: %s is damaged", c.pendingPath()), "restore it from a copy; if the server still takes SECRET, delete it")
	}
	if secret == c.Text("SECRET") {
		// The configuration has it already: only the last step is missing.
		return nil, c.forget()
	}
	return &Rotation{config: c, secret: secret, resumed: true}, nil
}

// Finish makes the new secret the configuration's SECRET, after the server took
// it. The old configuration is kept next to the new one.
func (r *Rotation) Finish(now time.Time) error {
	next := document{members: slices.Clone(r.config.doc.members)}
	if err := next.set("SECRET", r.secret); err != nil {
		return fmt.Errorf("store new secret: %w", err)
	}
	if err := r.config.replace(next, now); err != nil {
		return advice.Coded(fmt.Errorf("store new secret, which the server has and %s keeps: %w", r.config.pendingPath(), err), SecretNotStored)
	}
	return r.config.forget()
}

// Abandon forgets a secret that the server has certainly not taken: one that
// was made by this call and refused. One of an earlier call is kept.
func (r *Rotation) Abandon() error {
	if r.resumed {
		return nil
	}
	return r.config.forget()
}

func (c *Config) forget() error {
	if err := os.Remove(c.pendingPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("new secret: %w", err)
	}
	return nil
}

func (c *Config) pendingPath() string { return c.path + ".new-secret" }
