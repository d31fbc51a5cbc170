//go:build stack

package buildkit

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/opensbs/sbs/server/push"
)

// digests are those of an image's configuration and of its layers as they are in an
// archive, compressed.
type digests struct {
	config string
	layers []string
}

func digestsOf(t *testing.T, archive string) digests {
	t.Helper()
	image := opened(t, archive)
	config, err := image.ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := readManifest(archive)
	if err != nil {
		t.Fatal(err)
	}
	found := digests{config: config.String()}
	for _, layer := range manifest.Layers {
		found.layers = append(found.layers, layer.Digest.String())
	}
	return found
}

// TestTheSameCommitGivesTheSameImage: from two folders whose files have different
// times, at two times, by two daemons.
func TestTheSameCommitGivesTheSameImage(t *testing.T) {
	images := newImages(t)
	base, _ := images.put("base:1", []v1.Layer{images.shell(), images.layer(member{"old", "x"})})
	files := map[string]string{
		"Dockerfile": "FROM " + base + " AS first\nWORKDIR /app\nCOPY . .\n" +
			"RUN echo made > made && mkdir -p folder/below && echo $SOURCE_DATE_EPOCH > folder/below/epoch && ln made folder/linked && ln -s made symbolic\n" +
			"FROM " + base + "\nARG SOURCE_DATE_EPOCH\nCOPY --from=first /app /app\nCOPY sub/ /sub/\n" +
			"RUN rm /old /app/made && rm -r /app/sub && mkdir /app/sub && echo $SOURCE_DATE_EPOCH > /epoch\nLABEL a=b\n",
		"file": "content", "sub/one": "1", "sub/deep/two": "2", ".hidden": "x",
	}
	var all []digests
	var last string
	for round := range 3 {
		dir := tree(t, files)
		for _, name := range []string{"file", "sub", "sub/one", "."} {
			at := commitTime.Add(time.Duration(round-1) * 1000 * time.Hour) // before and after the commit
			if err := os.Chtimes(filepath.Join(dir, name), at, at); err != nil {
				t.Fatal(err)
			}
		}
		b := connect(t)
		if round == 2 {
			other, err := startDaemon()
			if err != nil {
				t.Fatal(err)
			}
			b = connectTo(t, other)
		}
		r := request(t, dir)
		mustBuild(t, b, r)
		last = r.Archive
		all = append(all, digestsOf(t, last))
		if got := contents(t, r.Archive)["epoch"]; got != "1763998000\n" {
			t.Errorf("a step sees the epoch %q", got)
		}
		wait := time.Until(time.Now().Truncate(time.Second).Add(time.Second))
		<-time.After(wait) // times in a layer have whole seconds
	}
	for _, other := range all[1:] {
		if other.config != all[0].config || !slices.Equal(other.layers, all[0].layers) {
			t.Errorf("the images are\n%v\n%v", all[0], other)
		}
	}
	config, err := opened(t, last).ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if !config.Created.Equal(commitTime) {
		t.Errorf("the image was created at %v", config.Created)
	}
}

// TestBaseLayersStayAsTheyAre: from the registry of the base image through the builder
// and server/push into another registry, byte for byte, although their files are younger
// than the commit. The layers of the build reach it as the builder compressed them.
func TestBaseLayersStayAsTheyAre(t *testing.T) {
	b, images := connect(t), newImages(t)
	base, _ := images.put("base:1", []v1.Layer{images.shell(), images.layer(member{"young", "younger than the commit"})})
	r := request(t, tree(t, map[string]string{"Dockerfile": "FROM " + base + "\nCOPY file /file\n", "file": "x"}))
	mustBuild(t, b, r)
	built := digestsOf(t, r.Archive).layers
	var pusher push.Pusher
	pushed, err := pusher.Push(t.Context(), push.Target{Repository: images.host + "/target"}, r.Archive, t.TempDir(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if got := layersIn(t, images.host+"/target@"+pushed.Digest); !slices.Equal(got, built) {
		t.Errorf("pushed %q, built %q", got, built)
	}
	if want := layersIn(t, base); len(built) != 3 || !slices.Equal(built[:2], want) {
		t.Errorf("built %q on %q", built, want)
	}
}

// layersIn returns the digests of the layers of an image in a registry.
func layersIn(t *testing.T, reference string) []string {
	t.Helper()
	parsed, err := name.ParseReference(reference)
	if err != nil {
		t.Fatal(err)
	}
	image, err := remote.Image(parsed)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	var layers []string
	for _, layer := range manifest.Layers {
		layers = append(layers, layer.Digest.String())
	}
	return layers
}
