package engine

import (
	"slices"
	"testing"

	"github.com/opensbs/sbs/server/builder"
)

func TestBaseImagesAreSortedAndUnique(t *testing.T) {
	const digest = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a0"
	images, err := baseImages([]string{
		"example.com/b:1@" + digest + "2", "example.com/b:1@" + digest + "1", "alpine", "example.com/b:1@" + digest + "2",
	})
	want := []builder.BaseImage{
		{Reference: "docker.io/library/alpine:latest"},
		{Reference: "example.com/b:1", Digest: digest + "1"},
		{Reference: "example.com/b:1", Digest: digest + "2"},
	}
	if err != nil || !slices.Equal(images, want) {
		t.Errorf("%+v, %v", images, err)
	}
}
