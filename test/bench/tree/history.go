package tree

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/opensbs/sbs/test/harness/gitserver"
)

// historyFiles is the number of files in each commit of a history.
const historyFiles = 2_000

// History creates a bare repository whose branch main has that many commits, each of
// which changes one of 2,000 texts. It is packed as a Git host does.
func History(ctx context.Context, root, name string, commits int) error {
	if _, err := gitserver.CreateRepository(ctx, root, name, nil); err != nil {
		return err
	}
	folder := filepath.Join(root, name)
	read, write := io.Pipe()
	go func() { write.CloseWithError(WriteHistory(write, commits)) }()
	_, err := gitserver.Git(ctx, folder, read, "fast-import", "--quiet")
	if err := errors.Join(err, read.Close()); err != nil {
		return err
	}
	_, err = gitserver.Git(ctx, folder, nil, "-c", "pack.window=5", "repack", "-a", "-d", "-q")
	return err
}

// WriteHistory writes the commits in the format of git fast-import.
func WriteHistory(w io.Writer, commits int) error {
	out := bufio.NewWriter(w)
	for number := range commits {
		message := fmt.Sprintf("change %d", number)
		fmt.Fprintf(out, "commit refs/heads/main\ncommitter %s %d +0000\ndata %d\n%s\n",
			gitserver.Author, gitserver.Epoch.Unix()+int64(number)*60, len(message), message)
		first, last := number%historyFiles, number%historyFiles
		if number == 0 {
			last = historyFiles - 1
		}
		for file := first; file <= last; file++ {
			writeFile(out, fmt.Sprintf("src/%d/%d.txt", file%50, file), revision(file, number))
		}
		out.WriteString("\n")
	}
	return out.Flush()
}

// revision returns a file's text in the commit of that number.
func revision(file, number int) string {
	return Text(uint64(file), 4*textSize) + fmt.Sprintf("changed by %d\n", number)
}

// Change adds a commit to main that changes the content of one file.
func Change(ctx context.Context, root, name, path, content string) error {
	folder := filepath.Join(root, name)
	parent, err := gitserver.Git(ctx, folder, nil, "rev-parse", "refs/heads/main")
	if err != nil {
		return err
	}
	read, write := io.Pipe()
	go func() {
		out := bufio.NewWriter(write)
		fmt.Fprintf(out, "commit refs/heads/main\ncommitter %s %d +0000\ndata 6\nchange\nfrom %s\n", gitserver.Author, gitserver.Epoch.Unix(), parent)
		writeFile(out, path, content)
		write.CloseWithError(out.Flush())
	}()
	_, err = gitserver.Git(ctx, folder, read, "fast-import", "--quiet")
	return errors.Join(err, read.Close())
}

func writeFile(out *bufio.Writer, path, content string) {
	fmt.Fprintf(out, "M 100644 inline %s\ndata %d\n%s\n", path, len(content), content)
}
