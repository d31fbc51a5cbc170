package parameters

import (
	"encoding/json"
	"io/fs"
	"maps"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/job"
)

// memory is a Secrets in memory. failing is the error of all its operations, if any.
type memory struct {
	secrets map[string][]byte
	failing error
}

func (m *memory) Get(name string) ([]byte, error) {
	if m.failing != nil {
		return nil, m.failing
	}
	secret, ok := m.secrets[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return secret, nil
}

func (m *memory) Put(name string, secret []byte) error {
	if m.failing != nil {
		return m.failing
	}
	m.secrets[name] = secret
	return nil
}

// slot is a Slot whose state is the test's to set.
type slot struct{ running bool }

func (s *slot) State() job.State { return job.State{Running: s.running} }

type fixture struct {
	*Store
	t      *testing.T
	memory *memory
	slot   *slot
}

func newFixture(t *testing.T) *fixture {
	f := &fixture{t: t, memory: &memory{secrets: map[string][]byte{}}, slot: &slot{}}
	f.restart()
	return f
}

// restart opens the store again, as the next start of the server does.
func (f *fixture) restart() {
	f.t.Helper()
	var err error
	if f.Store, err = Open(f.memory, f.slot); err != nil {
		f.t.Fatal(err)
	}
}

// sealed returns a copy of what is sealed.
func (f *fixture) sealed() map[string][]byte { return maps.Clone(f.memory.secrets) }

const (
	secret      = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	otherSecret = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA="
)

// wireForm returns valid parameters with some values changed, in their wire form.
func wireForm(t *testing.T, changed ...string) []byte {
	t.Helper()
	values := map[string]string{
		"GITHUB_URL":                       "git@github.com:owner/repo.git",
		"DOCKER_REPO":                      "namespace/name",
		"DOCKER_USER":                      "user",
		"DOCKER_PASSWORD":                  "pass-word",
		"SECRET":                           secret,
		"DOCKER_CONTENT_TRUST_PUSH_SERVER": "notary.example.com",
	}
	for i := 0; i < len(changed); i += 2 {
		values[changed[i]] = changed[i+1]
	}
	text, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func with(t *testing.T, changed ...string) api.Parameters {
	t.Helper()
	parameters, err := api.ParseParameters(wireForm(t, changed...))
	if err != nil {
		t.Fatal(err)
	}
	return parameters
}
