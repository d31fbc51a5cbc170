//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/rsa"
	"errors"
	"io"
	"strings"
	"testing/fstest"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/manifest"
	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/server/buildlog"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/server/signing/manifestkey"
	"github.com/opensbs/sbs/server/volume"
)

// builder replaces the pipeline. Its builds write to slot and volume what the
// pipeline's do, with the packages that the pipeline uses; they clone, build, push and
// sign nothing. The first begins at firstStart, each other one a minute after the one
// before.
type builder struct {
	slot    *job.Slot
	data    *volume.Volume
	enclave string
	fails   bool
	goOn    chan struct{} // a build waits for a value, unless it is closed
	begun   int           // builds
}

func newBuilder(slot *job.Slot, data *volume.Volume, enclave string, fails, waits bool) *builder {
	b := &builder{slot: slot, data: data, enclave: enclave, fails: fails, goOn: make(chan struct{})}
	if !waits {
		close(b.goOn)
	}
	return b
}

var firstStart = time.Date(2026, 2, 10, 15, 37, 37, 178_350_000, time.UTC)

const (
	commit      = "ad52e76aa21b1b1ae3a3c0d0f4b2b3e8fd6c1a52"
	imageDigest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
)

func (b *builder) Check(api.Parameters) error { return nil }

// Begin returns when the repository of the build is cloned.
func (b *builder) Begin(parameters api.Parameters) error {
	if b.slot.State().Running {
		return job.ErrBusy
	}
	started := firstStart.Add(time.Duration(b.begun) * time.Minute)
	b.begun++
	folder, err := b.data.Builds().Create(started.Format(volume.IDLayout))
	if err != nil {
		return err
	}
	file, err := folder.CreateLog()
	if err != nil {
		return err
	}
	cloned := make(chan struct{})
	err = b.slot.Begin(record.Record{
		ID: folder.ID(), Enclave: b.enclave, Repository: parameters.Repository(), Parameters: parameters.Public(), Started: started,
	}, func(ctx context.Context, slot *job.Build) record.Record {
		now := started.Add(-time.Second)
		running := &build{builder: b, parameters: parameters, slot: slot, folder: folder, now: func() time.Time {
			now = now.Add(time.Second)
			return now
		}}
		running.log = buildlog.New(file, buildlog.NewRedactor(parameters.Secrets(), parameters.Logins()...), running.now, slot.Touch)
		return running.run(ctx, cloned)
	})
	if err == nil {
		<-cloned
	}
	return err
}

// build is one build that runs.
type build struct {
	*builder
	parameters api.Parameters
	slot       *job.Build
	folder     volume.Build
	log        *buildlog.Log
	now        func() time.Time // a second later at each call
}

func (b *build) run(ctx context.Context, cloned chan<- struct{}) record.Record {
	err := b.clone()
	close(cloned)
	if err == nil {
		err = b.wait(ctx)
	}
	if err == nil {
		err = b.finish(ctx)
	}
	last := b.slot.Record()
	last.Status = api.StatusSuccess
	if err != nil {
		last.Status, last.Cause = api.FailureStatus("docker build -t "+b.parameters.Repository()+":latest ."), err.Error()
		last.Finished = b.now()
	}
	content, err := record.Encode(last)
	if err == nil {
		err = b.folder.SaveRecord(content)
	}
	if err = errors.Join(err, b.log.Close()); err != nil {
		last.Status, last.Cause = api.FailureStatus("save the record"), err.Error()
	}
	return last
}

func (b *build) clone() error {
	b.log.Info("starting a build")
	b.log.Info("run: %s", string(b.parameters.DockerPassword))
	tag := b.parameters.ImageTag(commit)
	_, err := b.slot.Advance(func(r *record.Record) {
		r.Status, r.Commit, r.ImageTag = api.StatusGitHubCloned, commit, tag
		r.BuildName = strings.Join([]string{b.parameters.Registry(), strings.ReplaceAll(b.parameters.DockerRepo, "/", "."), tag, b.folder.ID()}, ".")
	})
	return err
}

func (b *build) wait(ctx context.Context) error {
	select {
	case <-b.goOn:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// finish stores the signatures of the image and the signed manifest.
func (b *build) finish(ctx context.Context) error {
	if b.fails {
		return errors.New("RUN make: exit code 2")
	}
	key, err := manifestkey.Open(b.data.Secrets())
	if err != nil {
		return err
	}
	signatures, attestations, err := b.sign()
	if err != nil {
		return err
	}
	done, err := b.slot.Advance(func(r *record.Record) {
		r.ImageDigest, r.Signatures, r.Attestations = imageDigest, signatures, attestations
		r.ManifestKeyGen, r.ManifestPublicKey = api.ManifestKeySoftware, manifest.Name(r.BuildName)+"-public.pem"
		r.Finished = b.now()
	})
	if err != nil {
		return err
	}
	done.Status = api.StatusSuccess
	return b.storeManifest(ctx, done, key)
}

func (b *build) storeManifest(ctx context.Context, done record.Record, key *rsa.PrivateKey) error {
	content, err := record.Encode(done)
	if err != nil {
		return err
	}
	log, err := b.log.Snapshot()
	if err != nil {
		return err
	}
	tbz, digest, err := archive(ctx, content, log, "FROM scratch\n")
	if err != nil {
		return err
	}
	signature, err := manifest.Sign(digest, key)
	if err != nil {
		return err
	}
	public, err := manifestkey.PublicPEM(&key.PublicKey)
	if err != nil {
		return err
	}
	if err := b.folder.SavePublicKey(public); err != nil {
		return err
	}
	name := manifest.Name(done.BuildName)
	file, err := b.folder.CreateManifest(manifest.SignedName(name))
	if err != nil {
		return err
	}
	if err := manifest.WriteSigned(ctx, file, name, bytes.NewReader(tbz), int64(len(tbz)), signature, firstStart); err != nil {
		return errors.Join(err, file.Discard())
	}
	return file.Commit()
}

// archive returns the unsigned manifest of a build from one Dockerfile.
func archive(ctx context.Context, content []byte, log *io.SectionReader, dockerfile string) ([]byte, manifest.Digest, error) {
	var out bytes.Buffer
	digest, err := manifest.Write(ctx, &out, manifest.Contents{
		Record: content, Log: log, Git: fstest.MapFS{"Dockerfile": {Data: []byte(dockerfile)}}, Modified: firstStart,
	})
	return out.Bytes(), digest, err
}
