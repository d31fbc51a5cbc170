package baseimage

// A base image may have ONBUILD triggers: instructions that the builder adds to the
// Dockerfile, and that may name images too. They are part of the image's
// configuration, which is read from the registry by its digest.

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/opensbs/sbs/server/dockerfile"
	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/signature/registry"
)

// maxManifests bounds the manifests that one index leads to.
const maxManifests = 64

// TriggerError is a base image with a trigger that uses an image which is not verified.
type TriggerError struct {
	Image   signature.Reference
	Trigger string
	Err     error
}

func (e *TriggerError) Error() string {
	return fmt.Sprintf("the base image %s has the trigger %.200q: %v", e.Image, "ONBUILD "+e.Trigger, e.Err)
}

func (e *TriggerError) Unwrap() error { return e.Err }

// checkTriggers checks the images that a stage starts from: only these run triggers.
func checkTriggers(ctx context.Context, images []wanted, pinned map[string]string, request Request) error {
	allowed := slices.Collect(maps.Values(pinned))
	type seen struct{ pinned, platform string }
	done := map[seen]bool{}
	for _, image := range images {
		one := seen{pinned[image.Name], image.Platform}
		if image.How != dockerfile.ByFrom || done[one] {
			continue
		}
		done[one] = true
		triggers, err := triggersOf(ctx, image, one.pinned, request)
		if err != nil {
			return &signature.Error{Image: image.reference, Method: image.rule.Method, Err: fmt.Errorf("read its ONBUILD triggers: %w", err)}
		}
		found, err := request.Triggers(ctx, triggers)
		if err != nil {
			return fmt.Errorf("the ONBUILD triggers of the base image %s: %w", image.reference, err)
		}
		for i, trigger := range triggers {
			if err := checkTrigger(found[i], allowed); err != nil {
				return &TriggerError{image.reference, trigger, err}
			}
		}
	}
	return nil
}

// checkTrigger returns an error unless all images of a trigger are named by a digest
// that was verified.
func checkTrigger(trigger dockerfile.TriggerImages, allowed []string) error {
	if trigger.Problem != "" {
		return errors.New(trigger.Problem)
	}
	for _, name := range trigger.Names {
		if canonical, _ := dockerfile.Canonical(name); !slices.Contains(allowed, canonical) {
			return fmt.Errorf("the image %q in it is not named by a digest that was verified", name)
		}
	}
	return nil
}

// triggersOf reads the triggers of a verified image, in every manifest that the
// builder may choose for the platform.
func triggersOf(ctx context.Context, image wanted, pinned string, request Request) ([]string, error) {
	repository, err := registry.Open(ctx, image.reference.Repository, request.Access.of(image.reference.Repository, image.rule), registry.Pull)
	if err != nil {
		return nil, err
	}
	defer repository.Close()
	platform := image.Platform
	if platform == "" {
		platform = request.Environment.OS + "/" + request.Environment.Arch
	}
	r := &triggerReader{repository: repository, options: repository.Options(ctx), platform: platform}
	_, digest, _ := strings.Cut(pinned, "@")
	err = r.read(digest)
	return r.triggers, repository.Explain(ctx, err)
}

type triggerReader struct {
	repository *registry.Repository
	options    []remote.Option
	platform   string
	count      int
	triggers   []string
}

var errFormat = errors.New("its manifest has a format that this server does not support: push the image again with a current tool")

// read reads a manifest, and those that it lists. The library checks each
// against its digest.
func (r *triggerReader) read(digest string) error {
	if r.count++; r.count > maxManifests {
		return fmt.Errorf("it leads to more than %d manifests", maxManifests)
	}
	found, err := remote.Get(r.repository.Name.Digest(digest), r.options...)
	if err != nil {
		return err
	}
	switch found.MediaType {
	case types.OCIImageIndex, types.DockerManifestList:
		index, err := found.ImageIndex()
		if err != nil {
			return err
		}
		manifest, err := index.IndexManifest()
		if err != nil {
			return err
		}
		return r.readAll(manifest.Manifests)
	case types.OCIManifestSchema1, types.DockerManifestSchema2:
		image, err := found.Image()
		if err != nil {
			return err
		}
		config, err := image.ConfigFile()
		if err != nil {
			return err
		}
		r.triggers = append(r.triggers, config.Config.OnBuild...)
		return nil
	}
	return errFormat
}

// readAll reads the manifests for the platform, or all if none is for it: the builder
// may then use any.
func (r *triggerReader) readAll(manifests []v1.Descriptor) error {
	matching := slices.DeleteFunc(slices.Clone(manifests), func(one v1.Descriptor) bool {
		return one.Platform != nil && !sameMachine(r.platform, one.Platform.OS+"/"+one.Platform.Architecture)
	})
	if !slices.ContainsFunc(matching, func(one v1.Descriptor) bool { return one.Platform != nil }) {
		matching = manifests
	}
	for _, one := range matching {
		if err := r.read(one.Digest.String()); err != nil {
			return err
		}
	}
	return nil
}

// sameMachine compares os/arch, whatever the variant.
func sameMachine(platform, other string) bool {
	return platform == other || strings.HasPrefix(platform, other+"/")
}
