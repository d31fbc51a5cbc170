package transfer

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strconv"

	"github.com/opensbs/sbs/server/history"
	"github.com/opensbs/sbs/server/parameters"
	"github.com/opensbs/sbs/server/stateimage"
	"github.com/opensbs/sbs/server/volume"
)

// Secrets keeps secrets sealed, by name. volume.Secrets implements it.
type Secrets interface {
	Get(name string) ([]byte, error) // wraps fs.ErrNotExist when there is none
	Put(name string, secret []byte) error
	List(prefix string) ([]string, error)
}

// Builds lists the builds. volume.Builds implements it.
type Builds interface {
	IDs() ([]string, error) // newest first
}

// Importer stores secrets and builds from another server. *volume.Volume implements it.
type Importer interface {
	// Import stores all or nothing, even if the server ends meanwhile.
	Import(from volume.Import) error
	// FinishImport finishes an import that the server's end interrupted.
	FinishImport() error
}

// Config holds what a Transfer works on.
type Config struct {
	Parameters *parameters.Store
	Secrets    Secrets
	Builds     Builds
	History    *history.Builds // of Builds
	Importer   Importer        // into Secrets and Builds
	Keys       stateimage.Keys
	Sealed     stateimage.Declarations // of all sealed names of the server
	// CABundle holds CA certificates, as PEM text, that are trusted for the object
	// store in addition to the system's and those of the parameters.
	CABundle []byte
	Logger   *slog.Logger
}

// Transfer exports and imports the state of one server. It is safe for concurrent
// use.
type Transfer struct{ Config }

// New returns a Transfer.
func New(config Config) *Transfer { return &Transfer{config} }

// FinishImport finishes an import that the server's end interrupted. A build must not
// begin before that.
func (t *Transfer) FinishImport() error { return t.Importer.FinishImport() }

// Reasons for which a state is not imported. Each text is for the user and names the
// remedy.
var (
	ErrWouldLoseKeys   = errors.New("the state is older than what is there: this server has keys that are not in it, and importing it would lose them")
	ErrUnknownName     = errors.New("the state holds a key or a record of a kind that this server does not know: import it into a server of the version that exported it, or a newer one")
	ErrOtherRepository = errors.New("the state belongs to another repository than this server's DOCKER_REPO: import it into a server of its own")
)

// generationName is the sealed name of the generation of the latest state that was
// exported or imported here. It stays on the volume: the state holds its own.
const generationName = "state/generation"

// Sealed declares the names that this package seals.
func Sealed() []stateimage.Sealed {
	return []stateimage.Sealed{{Name: generationName}}
}

// generation returns the generation of the latest state that was exported or imported
// here, or 0.
func (t *Transfer) generation() (uint64, error) {
	text, err := t.Secrets.Get(generationName)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	generation, err := strconv.ParseUint(string(text), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", generationName, err)
	}
	return generation, nil
}

func encodeGeneration(generation uint64) []byte {
	return strconv.AppendUint(nil, generation, 10)
}

// travelling returns the secrets on the volume that are exported, by name: signing
// keys and records of trust data.
func (t *Transfer) travelling() (map[string][]byte, error) {
	names, err := t.Secrets.List("")
	if err != nil {
		return nil, err
	}
	secrets := map[string][]byte{}
	for _, name := range names {
		if _, travels := t.Sealed.Travels(name); !travels {
			continue
		}
		if secrets[name], err = t.Secrets.Get(name); err != nil {
			return nil, err
		}
	}
	return secrets, nil
}
