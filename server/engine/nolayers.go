package engine

// Docker Engine 20.10 saves no image without layers, such as one whose Dockerfile
// adds labels to FROM scratch. Such an image is its configuration alone, which the
// Engine does report.

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// imageConfig is the JSON form of an image's configuration
// (https://github.com/moby/docker-image-spec, v1.3), as far as an image without
// layers has one.
type imageConfig struct {
	Created      string            `json:"created,omitempty"`
	Author       string            `json:"author,omitempty"`
	Architecture string            `json:"architecture"`
	Variant      string            `json:"variant,omitempty"`
	OS           string            `json:"os"`
	Config       any               `json:"config"` // as the Engine reports it
	RootFS       ocispec.RootFS    `json:"rootfs"`
	History      []ocispec.History `json:"history,omitempty"`
}

// saveWithoutLayers writes the archive that docker save would make of an image
// without layers.
func (e *Engine) saveWithoutLayers(ctx context.Context, tag string, w io.Writer) error {
	config, err := e.configuration(ctx, tag)
	if err != nil {
		return err
	}
	name := digest.FromBytes(config).Encoded() + ".json"
	manifest, err := json.Marshal([]map[string]any{{"Config": name, "RepoTags": []string{tag}, "Layers": []string{}}})
	if err != nil {
		return err
	}
	archive := tar.NewWriter(w)
	for _, file := range []struct {
		name    string
		content []byte
	}{{name, config}, {"manifest.json", manifest}} {
		if err := archive.WriteHeader(&tar.Header{Name: file.name, Mode: 0o444, Size: int64(len(file.content)), Format: tar.FormatPAX}); err != nil {
			return err
		}
		if _, err := archive.Write(file.content); err != nil {
			return err
		}
	}
	return archive.Close()
}

// configuration returns what the Engine reports of an image without layers, as its
// configuration.
func (e *Engine) configuration(ctx context.Context, tag string) ([]byte, error) {
	found, err := e.api.ImageInspect(ctx, tag)
	if err != nil {
		return nil, unreachable(ctx, e.api.DaemonHost(), err)
	}
	if len(found.RootFS.Layers) > 0 {
		return nil, errors.New("the Docker Engine can't save the image, though it has layers")
	}
	steps, err := e.api.ImageHistory(ctx, tag)
	if err != nil {
		return nil, unreachable(ctx, e.api.DaemonHost(), err)
	}
	config := imageConfig{
		Created: found.Created, Author: found.Author,
		Architecture: found.Architecture, Variant: found.Variant, OS: found.Os,
		Config: found.Config, RootFS: ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{}},
	}
	for _, step := range slices.Backward(steps) { // the Engine lists the last one first
		created := time.Unix(step.Created, 0).UTC()
		config.History = append(config.History, ocispec.History{Created: &created, CreatedBy: step.CreatedBy, Comment: step.Comment, EmptyLayer: true})
	}
	content, err := json.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("encode the image's configuration: %w", err)
	}
	return content, nil
}
