package main

// The process that looks through an image: this program again, apart from the
// keys (package sbom says why).

import (
	"context"
	"fmt"
	"os"

	"github.com/opensbs/sbs/server/sbom"
	"github.com/opensbs/sbs/server/sbom/scan"
)

const scanImageMode = "scan-image" // with the paths of an archive and of an empty folder

// imageScanner is how the server starts that process.
func imageScanner() (sbom.Program, error) {
	program, err := os.Executable()
	if err != nil {
		return sbom.Program{}, fmt.Errorf("find this program's own file: %w", err)
	}
	return sbom.Program{Path: program, Arguments: []string{scanImageMode}}, nil
}

func scanImage(ctx context.Context, archive, scratch string) error {
	if err := scan.Confine(); err != nil {
		return err
	}
	found, err := scan.Image(ctx, archive, scratch)
	if err != nil {
		return err
	}
	return found.Write(os.Stdout)
}
