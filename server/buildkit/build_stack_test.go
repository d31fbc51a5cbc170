//go:build stack

package buildkit

import (
	"io"
	"os"
	"runtime"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/opensbs/sbs/server/builder"
)

const arch = runtime.GOARCH

// opened reads an archive as server/sbom does.
func opened(t *testing.T, archive string) v1.Image {
	t.Helper()
	image, err := tarball.Image(func() (io.ReadCloser, error) { return os.Open(archive) }, nil)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func TestBuild(t *testing.T) {
	b, images := connect(t), newImages(t)
	base, digest := images.put("base:1", []v1.Layer{images.shell()})
	dir := tree(t, map[string]string{
		"Dockerfile": "FROM " + base + "\nARG WORD\nCOPY file /file\nRUN echo $WORD > /word && cat /file\n",
		"file":       "content of the file",
	})
	r := request(t, dir)
	r.Args = map[string]string{"WORD": "given"}
	image, output := mustBuild(t, b, r)
	if want := []builder.BaseImage{{Reference: base, Digest: digest}}; len(image.Base) != 1 || image.Base[0] != want[0] {
		t.Errorf("base images %v, want %v", image.Base, want)
	}
	if !strings.Contains(output, "content of the file") {
		t.Errorf("the output is %s", output)
	}
	layers, err := opened(t, r.Archive).Layers()
	if err != nil || len(layers) != 3 {
		t.Fatalf("%d layers, error %v", len(layers), err)
	}
}
