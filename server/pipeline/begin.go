package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/engine"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/server/source"
	"github.com/opensbs/sbs/server/trust"
	"github.com/opensbs/sbs/server/trust/dct"
	"github.com/opensbs/sbs/server/volume"
)

// record is the state of the build that everyone may see.
type record = job.Record

// Engine is what the pipeline asks of a Docker Engine.
type Engine interface {
	Version(ctx context.Context) (engine.Version, error)
	Build(ctx context.Context, request engine.BuildRequest, output io.Writer) (engine.Image, error)
	Push(ctx context.Context, reference string, credentials engine.Registry, output io.Writer) (engine.Pushed, error)
	Remove(ctx context.Context, references ...string) error
	RemoveTagged(ctx context.Context, repository string) error
	Close() error
}

// Signer is what the pipeline asks of Docker Content Trust.
type Signer interface {
	Sign(ctx context.Context, request dct.Request, progress io.Writer) (trust.PublicKey, error)
}

// Config is what a pipeline is made of.
type Config struct {
	Slot    *job.Slot
	Volume  *volume.Volume
	Clone   func(ctx context.Context, request source.Request, dir string, progress io.Writer) (source.Checkout, error)
	Connect func(ctx context.Context) (Engine, error) // to the Docker Engine, once for each build
	Signer  Signer

	Enclave    string // its kind
	Version    string // of this server
	KnownHosts []byte // known_hosts text of the operator
	CABundle   []byte // PEM certificates that the operator trusts
}

// Pipeline starts builds.
type Pipeline struct {
	Config
	now func() time.Time
}

// New makes a pipeline.
func New(config Config) *Pipeline {
	return &Pipeline{Config: config, now: time.Now}
}

// ErrUnsigned refuses a build whose image nothing would sign.
var ErrUnsigned = &api.ParameterError{
	Key:     "DOCKER_CONTENT_TRUST_PUSH_SERVER",
	Problem: "is missing, and an image is never pushed unsigned",
	Takes:   "the address of a notary server; notary.docker.io, the default of the original, shuts down on 8 December 2026, so run one of your own",
}

// build is one build while it runs: the working state of its steps.
type build struct {
	*Pipeline
	parameters api.Parameters
	job        *job.Build
	folder     *volume.Build
	log        *log
	redact     *redactor
	work       string // scratch folder of this build
	engine     Engine

	checkout source.Checkout
	pushed   engine.Pushed
}

// Begin starts a build with parameters and returns. The build ends when it is
// done or when the slot is stopped. job.ErrBusy means that
// one runs already; *api.ParameterError that these parameters can't be built.
func (p *Pipeline) Begin(parameters api.Parameters) error {
	if parameters.TrustPushServer == "" {
		return ErrUnsigned
	}
	if p.Slot.State().Running {
		return job.ErrBusy
	}
	folder, err := p.createFolder()
	if err != nil {
		return err
	}
	file, err := folder.CreateLog()
	if err != nil {
		return errors.Join(err, folder.Remove())
	}
	redact := newRedactor(parameters.Secrets())
	begun := p.Slot.Begin(p.firstRecord(folder.ID(), parameters, redact), func(ctx context.Context, slot *job.Build) record {
		b := &build{
			Pipeline:   p,
			parameters: parameters,
			job:        slot,
			folder:     folder,
			redact:     redact,
			log:        newLog(file, redact, p.now, slot.Touch),
			work:       filepath.Join(p.Volume.Work(), folder.ID()),
		}
		return b.toTheEnd(ctx)
	})
	if begun != nil {
		return errors.Join(begun, file.Close(), folder.Remove())
	}
	return nil
}

// createFolder makes a folder that is named after the time. Two builds within
// one microsecond are told apart by waiting for the next.
func (p *Pipeline) createFolder() (*volume.Build, error) {
	for {
		folder, err := p.Volume.CreateBuild(p.now().UTC().Format(volume.IDLayout))
		if !errors.Is(err, fs.ErrExist) {
			return folder, err
		}
	}
}

func (p *Pipeline) firstRecord(id string, parameters api.Parameters, redact *redactor) record {
	return record{
		ID:            id,
		BuildImageTag: parameters.BuildImageTag,
		Enclave:       p.Enclave,
		Repository:    parameters.Repository(),
		Parameters:    redact.values(parameters.Public()),
		Tools:         map[string]string{"sbs-server": p.Version, "go": runtime.Version()},
		BaseImages:    []job.BaseImage{},
		Signatures:    []job.Signature{},
		Started:       p.now().UTC(),
	}
}

// toTheEnd runs the steps, records how they ended, and leaves nothing behind.
func (b *build) toTheEnd(ctx context.Context) record {
	b.log.Info("starting a build")
	err := b.start(ctx)
	if err == nil {
		err = b.run(ctx)
	}
	last := b.job.Record()
	if err != nil {
		last = b.failed(ctx, err)
	}
	if err := b.leave(ctx); err != nil {
		b.log.Error("clean up after the build: %v", err)
	}
	if err := b.log.Close(); err != nil {
		last.Cause = strings.TrimPrefix(last.Cause+"; the build log is not whole: "+err.Error(), "; ")
	}
	return last
}

func (b *build) start(ctx context.Context) error {
	connected, err := b.Connect(ctx)
	if err != nil {
		return attempt("docker version", err)
	}
	b.engine = connected
	version, err := connected.Version(ctx)
	if err != nil {
		return attempt("docker version", err)
	}
	return b.note(func(r *record) {
		r.Tools["docker engine"] = version.Engine
		r.Tools["docker api"] = version.API
		r.Tools["builder"] = string(version.Builder)
		r.Tools["platform"] = version.OS + "/" + version.Arch
	})
}

// failed is the record of a build that err ended. It is kept in the build's
// folder here; the slot makes it the status.
func (b *build) failed(ctx context.Context, err error) record {
	command := "sbs-cli build"
	var step *stepError
	if errors.As(err, &step) {
		command = step.command
	}
	cause := err.Error()
	if ctx.Err() != nil {
		// What the step saw is a broken connection; why is in the context.
		cause = context.Cause(ctx).Error()
	}
	last := b.job.Record()
	last.Status = b.redact.text(api.FailureStatus(command))
	last.Cause = b.redact.text(cause)
	last.Finished = b.now().UTC()
	b.log.Error("%s", last.Cause)
	b.log.Error("%s", last.Status)
	if err := b.saveRecord(last); err != nil {
		b.log.Error("%v", err)
	}
	return last
}

// leaveTime bounds the cleaning up after a build, so that clean frees the server
// within seconds even when the engine hangs.
const leaveTime = 10 * time.Second

// leave removes the image from the engine and the clone from the disk.
func (b *build) leave(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTime)
	defer cancel()
	var failed error
	if b.engine != nil {
		if b.checkout.Commit != "" {
			failed = b.engine.Remove(ctx, b.references()...)
		}
		failed = errors.Join(failed, b.engine.Close())
	}
	return errors.Join(failed, os.RemoveAll(b.work))
}

func (b *build) note(change func(*record)) error {
	_, err := b.job.Advance(change)
	return err
}

func (b *build) saveRecord(r record) error {
	content, err := encodeRecord(r)
	if err != nil {
		return err
	}
	return b.folder.SaveRecord(content)
}

// encodeRecord is the form of record.json and of data/build.json.
func encodeRecord(r record) ([]byte, error) {
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write record: %w", err)
	}
	return append(content, '\n'), nil
}

// tags are the tags that the image is pushed under.
func (b *build) tags() []string {
	return []string{b.parameters.ImageTag(b.checkout.Commit), "latest"}
}

// references are the image's full names.
func (b *build) references() []string {
	var references []string
	for _, tag := range b.tags() {
		references = append(references, b.parameters.Repository()+":"+tag)
	}
	return references
}

// buildName is registry, repository (with . for /), image tag and start time,
// joined by dots.
func (b *build) buildName() string {
	return strings.Join([]string{
		b.parameters.Registry(),
		strings.ReplaceAll(b.parameters.DockerRepo, "/", "."),
		b.parameters.ImageTag(b.checkout.Commit),
		b.folder.ID(),
	}, ".")
}
