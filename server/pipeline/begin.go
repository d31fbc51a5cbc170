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
	"slices"
	"sync"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/server/baseimage"
	"github.com/opensbs/sbs/server/builder"
	"github.com/opensbs/sbs/server/buildlog"
	"github.com/opensbs/sbs/server/diskspace"
	"github.com/opensbs/sbs/server/dockerfile"
	"github.com/opensbs/sbs/server/history"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/server/sbom"
	"github.com/opensbs/sbs/server/signing/manifestkey"
	"github.com/opensbs/sbs/server/source"
	"github.com/opensbs/sbs/server/volume"
)

// Builder is a connection to what builds images, for one build.
type Builder interface {
	Version() builder.Version
	// Build builds an image and writes it to the archive of the request. Its progress
	// is written to output as it comes, in lines. A build that fails leaves no image,
	// and nothing that belongs to it alone.
	Build(ctx context.Context, request builder.Request, output io.Writer) (builder.Image, error)
	// RemoveLeftovers removes what builds left that nobody follows any more, because
	// this server or the builder was killed: images of a repository
	// ("host/repository"), and the rest if it was made after since. The zero time
	// means that there is no such build.
	RemoveLeftovers(ctx context.Context, repository string, since time.Time) error
	Close() error
}

// ObjectStore is one bucket of an object store.
type ObjectStore interface {
	Put(ctx context.Context, name string, content *io.SectionReader) error
	Close()
}

// Builds are the folders of all builds. volume.Builds implements it.
type Builds interface {
	Create(id string) (volume.Build, error) // wraps fs.ErrExist when there is one
	Open(id string) (volume.Build, error)   // wraps fs.ErrNotExist when there is none
}

// Config has the collaborators of a pipeline and what the operator sets.
type Config struct {
	Slot     *job.Slot
	Builds   Builds
	History  *history.Builds   // of Builds
	KeyStore manifestkey.Store // keeps the manifest key
	Disk     diskspace.Volume  // that Builds and Scratch are on
	Scratch  string            // folder for the scratch files of builds

	Clone   func(ctx context.Context, request source.Request, dir string, progress io.Writer) (source.Checkout, error)
	Connect func(ctx context.Context) (Builder, error) // once for each build
	Signers map[string]Signer                          // by api.Signing*
	Bases   baseimage.Verifiers
	Pusher  Pusher

	// CheckDockerfile returns an error for a Dockerfile that no builder may read.
	CheckDockerfile func(ctx context.Context, request dockerfile.Request) error
	// ReadTriggers returns what each ONBUILD trigger of a base image holds.
	ReadTriggers func(ctx context.Context, triggers []string) ([]dockerfile.TriggerImages, error)

	// Scan lists the packages of an image that a builder has written to the file
	// archive; work is a folder for temporary files.
	Scan     func(ctx context.Context, archive, work string) (sbom.Inventory, error)
	Attester Attester

	// OpenStore opens the bucket for manifests; see objectstore.Open.
	OpenStore func(prefix string, parameters api.ObjectStore, caBundle []byte) (ObjectStore, error)

	Logger *slog.Logger // the server's, for what no client may see; nil discards it

	Enclave string // kind of the enclave
	// SandboxMissing are the parts of the sandbox that this machine refuses.
	SandboxMissing []string
	Version        string // of this server
	KnownHosts     []byte // known_hosts text of the operator
	CABundle       []byte // PEM certificates that the operator trusts

	Insecure  []string          // registries, see signing.Request
	Proxy     source.Proxy      // for git over HTTPS; nil for none
	BuildArgs map[string]string // for every build, unless its parameters replace them; none is secret
	Secrets   map[string]string // of the operator, by name; the redactor replaces them
	Logins    []api.Login       // the user names that belong to some of them
}

// Pipeline starts builds.
type Pipeline struct {
	Config
	now func() time.Time
}

// New returns a pipeline.
func New(config Config) *Pipeline {
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	return &Pipeline{Config: config, now: time.Now}
}

// Check returns an *api.ParameterError for parameters that can't be built.
func (p *Pipeline) Check(parameters api.Parameters) error {
	if err := p.checkSigning(parameters); err != nil {
		return err
	}
	return p.Bases.Check(parameters.BaseRules())
}

// Begin starts a build and returns. The build runs until it is done or the slot is
// stopped; see build.execute. The error is job.ErrBusy if a build is running, an
// *api.ParameterError if these parameters can't be built, and a
// *volume.UnwritableError if the volume has too little free space for a build.
func (p *Pipeline) Begin(parameters api.Parameters) error {
	if err := p.Check(parameters); err != nil {
		return err
	}
	if p.Slot.State().Running {
		return job.ErrBusy
	}
	trimmed, err := p.space().ForBuild(p.keep(parameters, p.Slot.State().Record.ID))
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
			pushDone:   make(chan struct{}),
			parameters: parameters,
			accounts:   parameters.PullAccounts(),
			pushTo:     parameters.PushAccount(),
			job:        slot,
			folder:     folder,
			redact:     redact,
			log:        buildlog.New(file, redact, p.now, slot.Touch),
			work:       filepath.Join(p.Scratch, folder.ID()),
			key:        sync.OnceValues(func() (*rsa.PrivateKey, error) { return manifestkey.Open(p.KeyStore) }),
		}
		b.logTrimmed(trimmed)
		return b.execute(ctx)
	})
	if begun != nil {
		return volume.Unwritable(errors.Join(begun, file.Close(), folder.Remove()))
	}
	return nil
}

// space reserves space on the volume.
func (p *Pipeline) space() diskspace.Reserver {
	return diskspace.Reserver{Volume: p.Disk, History: p.History}
}

// logTrimmed logs what was removed to free space.
func (b *build) logTrimmed(trimmed history.Trimmed) {
	for _, id := range trimmed.Removed {
		b.log.Info("removed the build of %s, to keep BUILDS_KEPT and BUILDS_KEPT_SIZE, or to free space", id)
	}
	for _, id := range trimmed.OutputsRemoved {
		b.log.Info("removed manifest and log of the build of %s, to keep BUILDS_KEPT_SIZE, or to free space", id)
	}
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

// createFolder makes a folder that is named after the time. It waits for the next
// microsecond if there is one already.
func (p *Pipeline) createFolder() (volume.Build, error) {
	for {
		folder, err := p.Builds.Create(p.now().UTC().Format(volume.IDLayout))
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
		SandboxMissing:  slices.Clone(p.SandboxMissing),
		Tools:           map[string]string{"sbs-server": p.Version, "go": runtime.Version()},
		BaseImages:      []record.BaseImage{},
		Signatures:      []record.Signature{},
		Attestations:    []record.Attestation{},
		Started:         p.now().UTC(),
	}
}
