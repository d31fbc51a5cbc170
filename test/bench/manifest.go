// The manifest alone: api/manifest beside tar with three ways to compress. Each
// is a process of its own that reads a folder and writes a file.
package main

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

// compressors are what tar compresses with, and what is hoped of ours beside it.
func compressors() []struct {
	name string
	goal float64
} {
	return []struct {
		name string
		goal float64
	}{{"bzip2", 1 / float64(runtime.NumCPU())}, {"pbzip2", 1}, {"lbzip2", 1}}
}

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

// packPairs packs one tree.
func (b *bench) packPairs(ctx context.Context, dir, name string) (rows []result.Row, err error) {
	tbz, mine := filepath.Join(dir, "theirs.tbz"), filepath.Join(dir, "ours.tbz")
	what := "manifest of 60 MB of " + name
	ours := side{work: func(ctx context.Context) error {
		_, err := program{}.took(ctx, rolePack, "", filepath.Join(dir, name), mine)
		return err
	}}
	for _, compressor := range compressors() {
		theirs := side{work: func(ctx context.Context) error {
			_, err := program{dir: dir}.took(ctx, "", "tar", "--use-compress-program", compressor.name, "-cf", tbz, name)
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
		beside := "tar and " + compressor.name
		rows = append(rows,
			result.Row{What: what, Unit: "s", Beside: beside, Theirs: them, Ours: us, Goal: result.Ratio(compressor.goal)},
			result.Row{What: what + ", size", Unit: "MB", Beside: beside, Theirs: sizes[:1], Ours: sizes[1:]})
	}
	return rows, readable(ctx, dir, name, mine)
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

// readable fails unless tar and Python unpack ours into what went in.
func readable(ctx context.Context, dir, name, tbz string) error {
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

// copyGo copies source files of the machine's Go, in the order of their names,
// as many as there is room for in a tree.
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
		err = fmt.Errorf("the machine's Go has %d bytes of source too few", left)
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
