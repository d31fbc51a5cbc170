//go:build stack

package scan

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// The Docker Engine is the reference: its container has the same files as the view, with
// the same content.
func TestViewOfContainer(t *testing.T) {
	seed := rand.Uint64()
	t.Log("seed", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 8 {
		var layers []layer
		for number := range 2 + random.IntN(4) {
			layers = append(layers, randomLayer(random, number))
		}
		archive := saved(t, layers...)
		want, got := exported(t, archive), viewed(t, archive)
		if !maps.Equal(got, want) {
			t.Errorf("layers %v\nare viewed as\n%q\nand the engine's container sees\n%q", layers, got, want)
		}
	}
}

// randomLayer has files, folders, links and whiteouts as builders write them: each
// name once, and nothing below a file of the same layer.
func randomLayer(random *rand.Rand, number int) layer {
	pick := func() string { return string(rune('a' + random.IntN(3))) }
	made := map[string]byte{"t": tar.TypeDir}
	l := layer{{name: "t", kind: tar.TypeDir, mode: 0o755}}
	var files []string
	for i := range 4 + random.IntN(8) {
		name := "t"
		for range 1 + random.IntN(3) {
			name += "/" + pick()
		}
		if !free(made, name) {
			continue
		}
		for dir := path.Dir(name); made[dir] == 0; dir = path.Dir(dir) {
			made[dir] = tar.TypeDir
		}
		switch kind := random.IntN(6); {
		case kind == 0:
			made[name] = tar.TypeDir
			l = append(l, entry{name: name, kind: tar.TypeDir, mode: 0o755})
		case kind == 1 && number > 0:
			made[name] = tar.TypeChar
			l = append(l, entry{name: path.Dir(name) + "/" + whiteout + path.Base(name)})
		case kind == 2 && number > 0:
			made[name] = tar.TypeDir
			l = append(l, entry{name: name, kind: tar.TypeDir, mode: 0o755}, entry{name: name + "/" + opaque})
		case kind == 3 && len(files) > 0:
			made[name] = tar.TypeReg
			l = append(l, entry{name: name, kind: tar.TypeLink, content: files[random.IntN(len(files))]})
		case kind == 4:
			made[name] = tar.TypeSymlink
			l = append(l, entry{name: name, kind: tar.TypeSymlink, content: pick()})
		default:
			made[name] = tar.TypeReg
			files = append(files, name)
			l = append(l, entry{name: name, content: fmt.Sprintf("%d of layer %d", i, number)})
		}
	}
	return l
}

func free(made map[string]byte, name string) bool {
	if made[name] != 0 {
		return false
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if kind := made[dir]; kind != 0 && kind != tar.TypeDir {
			return false
		}
	}
	return true
}

// exported are the files below t in a container of the image.
func exported(t *testing.T, archive string) map[string]string {
	t.Helper()
	docker(t, nil, "load", "--input", archive)
	const name = "registry.example.com/ns/app:v1" // as saved gives it
	id := strings.TrimSpace(docker(t, nil, "create", name, "/none"))
	defer docker(t, nil, "image", "rm", "--force", name)
	defer docker(t, nil, "rm", id)
	files := map[string]string{}
	content := tar.NewReader(strings.NewReader(docker(t, nil, "export", id)))
	for {
		header, err := content.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(header.Name, "t/") {
			continue
		}
		switch header.Typeflag {
		case tar.TypeReg:
			text, err := io.ReadAll(content)
			if err != nil {
				t.Fatal(err)
			}
			files[header.Name] = string(text)
		case tar.TypeLink:
			files[header.Name] = files[header.Linkname]
		}
	}
}

func docker(t *testing.T, input io.Reader, arguments ...string) string {
	t.Helper()
	// Also what clears up, after the test's end.
	command := exec.CommandContext(context.WithoutCancel(t.Context()), "docker", arguments...)
	var output, message bytes.Buffer
	command.Stdin, command.Stdout, command.Stderr = input, &output, &message
	if err := command.Run(); err != nil {
		t.Fatalf("%s: %v: %s", command, err, message.Bytes())
	}
	return output.String()
}

func viewed(t *testing.T, archive string) map[string]string {
	t.Helper()
	image, err := tarball.ImageFromPath(archive, nil)
	if err != nil {
		t.Fatal(err)
	}
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	seen, err := view(t.Context(), layers, func(name string) { t.Errorf("%s was not made", name) })
	if err != nil {
		t.Fatal(err)
	}
	names, wanted := map[[2]int][]string{}, map[int]map[int]bool{}
	seen.files("", func(name string, file *content) {
		at := [2]int{file.layer, file.number}
		names[at] = append(names[at], name)
		if wanted[file.layer] == nil {
			wanted[file.layer] = map[int]bool{}
		}
		wanted[file.layer][file.number] = true
	})
	files := map[string]string{}
	err = contents(t.Context(), layers, wanted, func(layer, number int, content io.Reader) error {
		text, err := io.ReadAll(content)
		for name := range slices.Values(names[[2]int{layer, number}]) {
			files[name] = string(text)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
