package pipeline

import (
	"context"
	"crypto/rsa"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/server/buildlog"
	"github.com/opensbs/sbs/server/dockerfile"
	"github.com/opensbs/sbs/server/engine"
	"github.com/opensbs/sbs/server/history"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/server/sbom"
	"github.com/opensbs/sbs/server/signing/manifestkey"
	"github.com/opensbs/sbs/server/source"
	"github.com/opensbs/sbs/server/volume"
)

// Engine is what the pipeline asks of a Docker Engine.
type Engine interface {
	Version() engine.Version
	Build(ctx context.Context, request engine.BuildRequest, output io.Writer) (engine.Image, error)
	Save(ctx context.Context, reference string, w io.Writer, most int64) error
	Remove(ctx context.Context, references ...string) error
	RemoveTagged(ctx context.Context, repository string) error
	ClearCache(ctx context.Context, before engine.Cache) error
	RemoveCache(ctx context.Context, since time.Time) error
	Close() error
}

// Config is what a pipeline is made of.
type Config struct {
	Slot    *job.Slot
	Volume  *volume.Volume
	History *history.Builds // of that volume
	Clone   func(ctx context.Context, request source.Request, dir string, progress io.Writer) (source.Checkout, error)
	Connect func(ctx context.Context) (Engine, error) // to the Docker Engine, once for each build
	Signers map[string]Signer                         // by api.Signing*
	Bases   BaseVerifier
	Pusher  Pusher

	// CheckDockerfile returns why no builder may get a Dockerfile, or nil.
	CheckDockerfile func(ctx context.Context, request dockerfile.Request) error

	// LookThrough finds what is in an image that Engine.Save has written to the
	// file archive; work is a folder for what it needs meanwhile.
	LookThrough func(ctx context.Context, archive, work string) (sbom.Inventory, error)
	Attester    Attester

	Logger *slog.Logger // of the server, for what no client may see; nil for none

	Enclave    string // its kind
	Version    string // of this server
	KnownHosts []byte // known_hosts text of the operator
	CABundle   []byte // PEM certificates that the operator trusts

	Insecure  []string          // registries, see trust.Request
	Proxy     source.Proxy      // for git over HTTPS; nil for none
	BuildArgs map[string]string // for every build, unless its parameters say otherwise; no secret may be among them
	Secrets   map[string]string // of the operator, by name: no log and no record may show them
	Logins    []api.Login       // the user names that go with some of them
}

// Pipeline starts builds.
type Pipeline struct {
	Config
	now func() time.Time
}

// New makes a pipeline.
func New(config Config) *Pipeline {
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	return &Pipeline{Config: config, now: time.Now}
}

// Check says why these parameters can't be built: an *api.ParameterError.
func (p *Pipeline) Check(parameters api.Parameters) error {
	if err := p.checkSigning(parameters); err != nil {
		return err
	}
	return p.Bases.Check(parameters.BaseRules())
}

// Begin starts a build with parameters and returns. The build ends when it is
// done or when the slot is stopped. job.ErrBusy means that
// one runs already; *api.ParameterError that these parameters can't be built;
// *volume.UnwritableError that the volume has no room for a build.
func (p *Pipeline) Begin(parameters api.Parameters) error {
	if err := p.Check(parameters); err != nil {
		return err
	}
	if p.Slot.State().Running {
		return job.ErrBusy
	}
	trimmed, err := p.makeRoomForBuild(parameters)
	if err == nil {
		err = p.saveLatest()
	}
	if err != nil {
		return volume.Unwritable(err)
	}
	folder, err := p.createFolder()
	if err != nil {
		return volume.Unwritable(err)
	}
	file, err := folder.CreateLog()
	if err != nil {
		return volume.Unwritable(errors.Join(err, folder.Remove()))
	}
	secrets := maps.Clone(p.Secrets)
	if secrets == nil {
		secrets = map[string]string{}
	}
	maps.Copy(secrets, parameters.Secrets())
	redact := buildlog.NewRedactor(secrets, append(parameters.Logins(), p.Logins...)...)
	begun := p.Slot.Begin(p.firstRecord(folder.ID(), parameters, redact), func(ctx context.Context, slot *job.Build) record.Record {
		b := &build{
			Pipeline:   p,
			parameters: parameters,
			job:        slot,
			folder:     folder,
			redact:     redact,
			log:        buildlog.New(file, redact, p.now, slot.Touch),
			work:       filepath.Join(p.Volume.Work(), folder.ID()),
			key:        sync.OnceValues(func() (*rsa.PrivateKey, error) { return manifestkey.Open(p.Volume.Secrets()) }),
		}
		b.logTrimmed(trimmed)
		return b.toTheEnd(ctx)
	})
	if begun != nil {
		return volume.Unwritable(errors.Join(begun, file.Close(), folder.Remove()))
	}
	return nil
}

// operatorArguments returns the operator's build arguments that the developer's do
// not replace.
func operatorArguments(operators, developers map[string]string) map[string]string {
	var arguments map[string]string
	for name, value := range operators {
		if _, replaced := developers[name]; replaced {
			continue
		}
		if arguments == nil {
			arguments = map[string]string{}
		}
		arguments[name] = value
	}
	return arguments
}

// createFolder makes a folder that is named after the time. Two builds within
// one microsecond are told apart by waiting for the next.
func (p *Pipeline) createFolder() (*volume.Build, error) {
	for {
		folder, err := p.Volume.Builds().Create(p.now().UTC().Format(volume.IDLayout))
		if !errors.Is(err, fs.ErrExist) {
			return folder, err
		}
	}
}

func (p *Pipeline) firstRecord(id string, parameters api.Parameters, redact *buildlog.Redactor) record.Record {
	return record.Record{
		ID:              id,
		BuildImageTag:   parameters.BuildImageTag,
		Enclave:         p.Enclave,
		Repository:      parameters.Repository(),
		Parameters:      redact.Values(parameters.Public()),
		BuildArgs:       redact.Texts(operatorArguments(p.BuildArgs, parameters.Args)),
		OperatorAnchors: p.operatorAnchors(),
		Tools:           map[string]string{"sbs-server": p.Version, "go": runtime.Version()},
		BaseImages:      []record.BaseImage{},
		Signatures:      []record.Signature{},
		Attestations:    []record.Attestation{},
		Started:         p.now().UTC(),
	}
}
