// Package sample holds the files of the repository demo.git of the local stack's
// git server: a small repository with a realistic Dockerfile.
//
// It contains files only; it runs nothing and trusts nothing.
package sample

import (
	"embed"
	"fmt"

	"github.com/opensbs/sbs/test/harness/gitserver"
)

//go:embed Dockerfile .dockerignore README.md greeting.txt render.sh
var content embed.FS

// Files returns the repository's files by their path.
func Files() (map[string]gitserver.File, error) {
	entries, err := content.ReadDir(".")
	if err != nil {
		return nil, fmt.Errorf("list the sample: %w", err)
	}
	files := make(map[string]gitserver.File, len(entries))
	for _, entry := range entries {
		text, err := content.ReadFile(entry.Name())
		if err != nil {
			return nil, fmt.Errorf("read the sample: %w", err)
		}
		files[entry.Name()] = gitserver.File{Content: string(text)}
	}
	return files, nil
}
