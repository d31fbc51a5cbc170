package config

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/opensbs/sbs/client/advice"
	"github.com/opensbs/sbs/client/atomicfile"
)

// maxFile bounds every file this package reads, in bytes: what the server
// takes in one body.
const maxFile = 1 << 20

// DefaultNames are the configuration files that are looked for, in this order,
// when none is named: ours, and the stock client's.
func DefaultNames() []string { return []string{"sbs-config.json", "env.json"} }

// Config is a configuration file and the environment that completes it.
type Config struct {
	path   string // of the file itself, links followed
	doc    document
	getenv func(string) string
}

// Load reads the file at path ("~" is the home folder). getenv is
// usually os.Getenv; see Text for what is taken from it.
func Load(path string, getenv func(string) string) (*Config, error) {
	path, err := expandHome(path)
	if err != nil {
		return nil, err
	}
	resolved, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, advice.Coded(fmt.Errorf("read configuration: %w", err), NoFile)
	}
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	data, err := readBounded(resolved)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	doc, err := parse(data)
	if err != nil {
		return nil, advice.New(fmt.Errorf("configuration %s is not a JSON object: %w", path, err), "fix the file; keys and texts are in double quotes, and no comma follows the last entry")
	}
	return &Config{path: resolved, doc: doc, getenv: getenv}, nil
}

// Path is the file that was read, symbolic links followed.
func (c *Config) Path() string { return c.path }

// Complete adds what the file needs and its owner cannot know: UUID, SECRET and
// RUNTIME_TYPE. It returns the keys it added; with none the file is untouched.
// now (any zone) names the copy of the old file.
func (c *Config) Complete(now time.Time) (added []string, err error) {
	next := document{members: slices.Clone(c.doc.members)}
	for _, missing := range []struct {
		key  string
		make func() (string, error)
	}{
		{"RUNTIME_TYPE", func() (string, error) { return "vpc", nil }},
		{"UUID", func() (string, error) { id, err := uuid.NewRandom(); return id.String(), err }},
		{"SECRET", NewSecret},
	} {
		if c.Text(missing.key) != "" {
			continue
		}
		text, err := missing.make()
		if err != nil {
			return nil, fmt.Errorf("make %s: %w", missing.key, err)
		}
		if err := next.set(missing.key, text); err != nil {
			return nil, err
		}
		added = append(added, missing.key)
	}
	if len(added) == 0 {
		return nil, nil
	}
	return added, c.replace(next, now)
}

// NewSecret makes a SECRET: the base64 of 128 random bytes.
func NewSecret() (string, error) {
	secret := make([]byte, 128)
	if _, err := rand.Read(secret); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(secret), nil
}

// replace writes next in place of the file and keeps the old one next to it,
// named after the time. At every instant the file is there, whole, old or new.
func (c *Config) replace(next document, now time.Time) error {
	data, err := next.format()
	if err != nil {
		return fmt.Errorf("rewrite %s: %w", c.path, err)
	}
	if err := c.backup(now); err != nil {
		return err
	}
	if err := atomicfile.Write(c.path, data, 0o600); err != nil {
		return fmt.Errorf("rewrite configuration: %w", err)
	}
	c.doc = next
	return nil
}

func (c *Config) backup(now time.Time) error {
	backup := c.path + "." + now.UTC().Format("2006-01-02_15-04-05.000000")
	// A second name for the old file leaves the first one in place until the
	// new file takes it. Some file systems have no second names: they get the
	// plain rename, with an instant in between.
	err := os.Link(c.path, backup)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		err = os.Rename(c.path, backup)
	}
	if err != nil {
		return fmt.Errorf("keep a copy of the old configuration: %w", err)
	}
	if err := os.Chmod(backup, 0o600); err != nil { // it holds passwords like the new one
		return fmt.Errorf("keep a copy of the old configuration: %w", err)
	}
	return nil
}

// Text returns the value of key as text, without space around it: the file's,
// and where the file lacks it and the key is a secret one, that of the
// environment variable SBS_<KEY>. What is written in the file wins, so that a
// variable forgotten in a shell never overrides what its owner sees written.
func (c *Config) Text(key string) string {
	if text := text(c.doc.value(key)); text != "" {
		return text
	}
	if slices.Contains(fromEnvironment, key) {
		return strings.TrimSpace(c.getenv("SBS_" + key))
	}
	return ""
}

// text is the text of a JSON string, number or boolean; anything else has none.
func text(raw json.RawMessage) string {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || raw[0] == '{' || raw[0] == '[' || string(raw) == "null" {
		return ""
	}
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return strings.TrimSpace(s)
	}
	return string(raw)
}

// EnvironmentNames returns the environment variables that Text reads.
func EnvironmentNames() []string {
	var names []string
	for _, key := range fromEnvironment {
		names = append(names, "SBS_"+key)
	}
	return names
}

func readBounded(path string) (data []byte, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	data, err = io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s is larger than %d KiB", path, maxFile>>10)
	}
	return data, nil
}

func expandHome(path string) (string, error) {
	if path != "~" && !strings.HasPrefix(path, "~/") {
		return path, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("expand ~ in %s: %w", path, err)
	}
	return filepath.Join(home, strings.TrimPrefix(path, "~")), nil
}
