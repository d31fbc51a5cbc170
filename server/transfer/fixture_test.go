package transfer

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io/fs"
	"log/slog"
	"testing"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/server/history"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/server/parameters"
	"github.com/opensbs/sbs/server/stateimage"
	"github.com/opensbs/sbs/server/volume"
	"github.com/opensbs/sbs/test/kit/plainvolume"
)

// imageKeys replaces the keys of one server image.
type imageKeys byte

func (k imageKeys) SecretID() []byte { return bytes.Repeat([]byte{byte(k)}, 8) }

func (k imageKeys) HasSecret(id []byte) bool { return bytes.Equal(id, k.SecretID()) }

func (k imageKeys) StateKey(id, developer, salt []byte) ([]byte, error) {
	sum := sha256.Sum256(bytes.Join([][]byte{id, developer, salt}, nil))
	return sum[:], nil
}

// slot is a parameters.Slot whose state is the test's to set.
type slot struct{ running bool }

func (s *slot) State() job.State { return job.State{Running: s.running} }

type fixture struct {
	*Transfer
	t    *testing.T
	dir  string
	data *volume.Volume
	slot *slot
}

// newFixture returns the transfer of a new server without parameters.
func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{t: t, dir: t.TempDir(), slot: &slot{}}
	data := plainvolume.Open(t, f.dir)
	store, err := parameters.Open(data.Secrets(), f.slot)
	if err != nil {
		t.Fatal(err)
	}
	f.data = data
	f.Transfer = New(Config{
		Parameters: store, Secrets: data.Secrets(), Builds: data.Builds(), Importer: data,
		History: history.New(data.Builds(), data.Space), Keys: imageKeys(1), Sealed: declared(),
		Logger: slog.New(slog.DiscardHandler),
	})
	return f
}

// declared returns a key, keys by id, records that are merged, and what stays.
func declared() stateimage.Declarations {
	return append(append(parameters.Sealed(), Sealed()...),
		stateimage.Sealed{Name: "manifest/key", Travels: true},
		stateimage.Sealed{Name: "dct/", Travels: true},
		stateimage.Sealed{Name: "records/", Travels: true, Merge: longer},
		stateimage.Sealed{Name: "local/secret"})
}

var errNoRecord = errors.New("it is no record")

// longer merges two records: it returns the longer one.
func longer(_ string, ours, theirs []byte) ([]byte, error) {
	if len(ours) == 0 || string(theirs) == "damaged" {
		return nil, errNoRecord
	}
	if len(ours) > len(theirs) {
		return ours, nil
	}
	return theirs, nil
}

// built returns the transfer of a server with parameters, a key, a record and two
// builds that succeeded.
func built(t *testing.T) *fixture {
	t.Helper()
	f := newFixture(t)
	f.init("namespace/name", secret)
	f.put("manifest/key", "the manifest key")
	f.put("records/1", "12345")
	f.build(1, api.StatusSuccess)
	f.build(2, api.StatusSuccess)
	f.build(3, api.FailureStatus("x"))
	return f
}

const (
	secret      = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	otherSecret = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA="
)

func (f *fixture) init(repository, secret string) {
	f.t.Helper()
	given, err := api.ParseParameters([]byte(`{"GITHUB_URL": "git@github.com:owner/repo.git", "DOCKER_REPO": "` + repository +
		`", "DOCKER_USER": "user", "DOCKER_PASSWORD": "pass-word", "IMAGE_SIGNING": ["simple"], "SECRET": "` + secret + `"}`))
	if err != nil {
		f.t.Fatal(err)
	}
	if err := f.Parameters.Init(given); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) put(name, secret string) {
	f.t.Helper()
	if err := f.data.Secrets().Put(name, []byte(secret)); err != nil {
		f.t.Fatal(err)
	}
}

// get returns what is sealed under name, or "".
func (f *fixture) get(name string) string {
	f.t.Helper()
	sealed, err := f.data.Secrets().Get(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.t.Fatal(err)
	}
	return string(sealed)
}

func id(number int) string {
	return time.Date(2024, 1, 1, 0, 0, number, 0, time.UTC).Format(volume.IDLayout)
}

// build stores a finished build.
func (f *fixture) build(number int, status string) {
	f.t.Helper()
	folder, err := f.data.Builds().Create(id(number))
	if err != nil {
		f.t.Fatal(err)
	}
	content, err := record.Encode(record.Record{ID: id(number), Status: status, BuildName: "name." + id(number)})
	if err != nil {
		f.t.Fatal(err)
	}
	if err := errors.Join(folder.SavePublicKey([]byte("key of "+id(number))), folder.SaveRecord(content)); err != nil {
		f.t.Fatal(err)
	}
}

// export returns the text of a state image.
func (f *fixture) export() string {
	f.t.Helper()
	image, err := f.Export()
	if err != nil {
		f.t.Fatal(err)
	}
	return image.State
}

// state returns the content of a state image.
func (f *fixture) opened(text string) stateimage.State {
	f.t.Helper()
	developer, err := DecodeSecret(secret)
	if err != nil {
		f.t.Fatal(err)
	}
	state, err := stateimage.Open(f.Keys, developer, text)
	if err != nil {
		f.t.Fatal(err)
	}
	return state
}
