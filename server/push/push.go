package push

// The content of an image, by digest.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"

	"github.com/opensbs/sbs/server/panics"
	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/signature/registry"
)

// maxParallel bounds how many layers are compressed and uploaded at once.
const maxParallel = 3

// maxLayers bounds the layers of an image; engines make no more than 127.
const maxLayers = 1024

// Target is a repository, and how its registry is talked to.
type Target struct {
	Repository string // registry/namespace/name
	signature.Access
}

// Pushed is a manifest that a registry has.
type Pushed struct {
	Digest    string // sha256:<64 hex digits>
	Size      int64  // bytes
	MediaType string
	Manifest  []byte
}

// Pusher pushes images. Its zero value is ready, and caches the layers that it
// compressed. It is safe for concurrent use.
type Pusher struct{ known known }

// Push uploads the image of an archive that docker save wrote, and its manifest,
// which no tag leads to. work is a folder for layers while they are uploaded.
// progress gets lines of text, a few for each layer. Errors are those of
// registry.Repository.Explain.
func (p *Pusher) Push(ctx context.Context, target Target, archive, work string, progress io.Writer) (pushed Pushed, err error) {
	image, err := openImage(archive)
	if err != nil {
		return Pushed{}, err
	}
	defer func() { err = errors.Join(err, image.Close()) }()
	repository, err := registry.Open(ctx, target.Repository, target.Access, registry.Push)
	if err != nil {
		return Pushed{}, err
	}
	defer repository.Close()
	u := &upload{p, repository, image, work, &lines{to: progress}}
	if pushed, err = u.run(ctx); err != nil {
		return Pushed{}, fmt.Errorf("push to %s: %w", target.Repository, repository.Explain(ctx, err))
	}
	return pushed, nil
}

// upload is the upload of one image.
type upload struct {
	*Pusher
	repository *registry.Repository
	image      *image
	work       string
	lines      *lines
}

func (u *upload) run(ctx context.Context) (Pushed, error) {
	if len(u.image.layers) > maxLayers {
		return Pushed{}, fmt.Errorf("the image has more than %d layers", maxLayers)
	}
	layers := make([]v1.Descriptor, len(u.image.layers))
	all, each := errgroup.WithContext(ctx)
	all.SetLimit(max(2, min(maxParallel, runtime.NumCPU())))
	all.Go(func() error {
		_, err := u.repository.PutBlob(each, registry.BlobOf(u.image.config))
		return err
	})
	for i, layer := range u.image.layers {
		all.Go(func() error {
			return panics.Catch(func() error {
				made, err := u.layer(each, layer)
				if err != nil {
					return err
				}
				layers[i] = v1.Descriptor{MediaType: types.DockerLayer, Size: made.size}
				layers[i].Digest, err = v1.NewHash(made.digest)
				return err
			})
		})
	}
	if err := all.Wait(); err != nil {
		return Pushed{}, err
	}
	pushed, err := u.manifest(layers)
	if err == nil {
		err = u.repository.PutManifest(ctx, pushed.Digest, pushed.MediaType, pushed.Manifest)
	}
	return pushed, err
}

// layer uploads one layer, unless the registry has it, and returns what it is
// there.
func (u *upload) layer(ctx context.Context, l layer) (compressed, error) {
	if made, ok := u.known.get(l.diffID); ok {
		has, err := u.repository.HasBlob(ctx, made.digest, made.size)
		if err != nil {
			return compressed{}, err
		}
		if has {
			return made, u.lines.write(l, "Layer already exists")
		}
	}
	if err := u.lines.write(l, "Preparing"); err != nil {
		return compressed{}, err
	}
	made, file, err := u.image.compress(ctx, l, u.work)
	if err != nil {
		return compressed{}, err
	}
	u.known.put(l.diffID, made)
	uploaded, err := u.repository.PutBlob(ctx, registry.Blob{
		Digest: made.digest, Size: made.size,
		Open: func() (io.ReadCloser, error) { return os.Open(file) },
	})
	if err := errors.Join(err, os.Remove(file)); err != nil {
		return compressed{}, err
	}
	if !uploaded {
		return made, u.lines.write(l, "Layer already exists")
	}
	return made, u.lines.write(l, "Pushed")
}

// manifest is of the type that docker push writes (Docker image manifest, version
// 2, schema 2).
func (u *upload) manifest(layers []v1.Descriptor) (Pushed, error) {
	config, err := v1.NewHash(digest.FromBytes(u.image.config).String())
	if err != nil {
		return Pushed{}, err
	}
	text, err := json.MarshalIndent(v1.Manifest{
		SchemaVersion: 2,
		MediaType:     types.DockerManifestSchema2,
		Config:        v1.Descriptor{MediaType: types.DockerConfigJSON, Size: int64(len(u.image.config)), Digest: config},
		Layers:        layers,
	}, "", "   ")
	if err != nil {
		return Pushed{}, fmt.Errorf("encode the manifest: %w", err)
	}
	return Pushed{digest.FromBytes(text).String(), int64(len(text)), string(types.DockerManifestSchema2), text}, nil
}

// lines writes the progress of layers to the log, as docker push does.
type lines struct {
	mu sync.Mutex
	to io.Writer
}

func (s *lines) write(l layer, what string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := fmt.Fprintf(s.to, "%.12s: %s\n", l.diffID[len("sha256:"):], what); err != nil {
		return fmt.Errorf("write to the log: %w", err)
	}
	return nil
}
