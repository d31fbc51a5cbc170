package main

// The part "manifest" compares api/manifest with tar and three compressors. Each is a
// process that reads a folder and writes a file.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/opensbs/sbs/test/bench/result"
	"github.com/opensbs/sbs/test/bench/tree"
)

const packedSize = 60_000_000 // bytes of each tree

// compressors returns the compressors of tar, and the goals of the comparison with them.
func compressors() []struct {
	name string
	goal float64
} {
	return []struct {
		name string
		goal float64
	}{{"bzip2", 1 / float64(runtime.NumCPU())}, {"pbzip2", 1}, {"lbzip2", 1}}
}

// manifest measures the part "manifest".
func (b *bench) manifest(ctx context.Context) (part result.Part, err error) {
	dir, err := os.MkdirTemp(b.dir, "manifest")
	if err != nil {
		return part, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := copyGo(ctx, filepath.Join(dir, "Go source")); err != nil {
		return part, err
	}
	if err := tree.Random(filepath.Join(dir, "random files"), 60, packedSize/60); err != nil {
		return part, err
	}
	for _, name := range []string{"Go source", "random files"} {
		rows, err := b.packPairs(ctx, dir, name)
		if err != nil {
			return part, err
		}
		part.Rows = append(part.Rows, rows...)
	}
	return part, nil
}

// packPairs packs one tree alternately with each compressor and with api/manifest.
func (b *bench) packPairs(ctx context.Context, dir, name string) (rows []result.Row, err error) {
	tbz, mine := filepath.Join(dir, "theirs.tbz"), filepath.Join(dir, "ours.tbz")
	what := "manifest of 60 MB of " + name
	ours := side{work: func(ctx context.Context) error {
		_, err := program{}.measured(ctx, rolePack, "", filepath.Join(dir, name), mine)
		return err
	}}
	for _, compressor := range compressors() {
		theirs := side{work: func(ctx context.Context) error {
			_, err := program{dir: dir}.measured(ctx, "", "tar", "--use-compress-program", compressor.name, "-cf", tbz, name)
			return err
		}}
		them, us, err := b.pairs(ctx, what+", "+compressor.name, nil, theirs, ours)
		if err != nil {
			return rows, err
		}
		sizes, err := sizesOf(tbz, mine)
		if err != nil {
			return rows, err
		}
		comparedWith := "tar and " + compressor.name
		rows = append(rows,
			result.Row{What: what, Unit: "s", ComparedWith: comparedWith, Theirs: them, Ours: us, Goal: result.Ratio(compressor.goal)},
			result.Row{What: what + ", size", Unit: "MB", ComparedWith: comparedWith, Theirs: sizes[:1], Ours: sizes[1:]})
	}
	return rows, checkArchive(ctx, dir, name, mine)
}

func sizesOf(paths ...string) (megabytes []float64, err error) {
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		megabytes = append(megabytes, float64(info.Size())/1e6)
	}
	return megabytes, nil
}

// checkArchive returns an error unless tar and Python unpack the manifest to the files of
// the tree.
func checkArchive(ctx context.Context, dir, name, tbz string) error {
	unpack := `
rm -rf tar python && mkdir tar python
tar -C tar -xjf "$TBZ"
python3 -c 'import sys, tarfile; tarfile.open(sys.argv[1], "r:bz2").extractall("python")' "$TBZ"
diff -r "$NAME" tar/git
diff -r "$NAME" python/git
rm -rf tar python`
	_, err := program{dir: dir, environment: []string{"TBZ=" + tbz, "NAME=" + name}}.run(ctx, "sh", "-euc", unpack)
	if err != nil {
		return fmt.Errorf("unpack the manifest of %s: %w", name, err)
	}
	return nil
}

// copyGo copies source files of the machine's Go, in order of their names, until their
// size is packedSize.
func copyGo(ctx context.Context, to string) error {
	root, err := program{}.run(ctx, "go", "env", "GOROOT")
	if err != nil {
		return err
	}
	from, left := filepath.Join(root, "src"), int64(packedSize)
	err = filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		size, err := copyFile(path, filepath.Join(to, relative))
		if left -= size; err == nil && left <= 0 {
			return fs.SkipAll
		}
		return err
	})
	if err == nil && left > 0 {
		err = fmt.Errorf("the source of the machine's Go is %d bytes too small", left)
	}
	return err
}

func copyFile(from, to string) (size int64, err error) {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return 0, err
	}
	in, err := os.Open(from)
	if err != nil {
		return 0, err
	}
	out, err := os.Create(to)
	if err != nil {
		return 0, errors.Join(err, in.Close())
	}
	size, err = io.Copy(out, in)
	return size, errors.Join(err, in.Close(), out.Close())
}
