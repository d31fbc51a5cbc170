//go:build stack

package soak

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"github.com/opensbs/sbs/test/gate"
)

// volumeSize is the size of the data volume, in MiB. It is a separate file system.
const volumeSize = 96

// diskFull: the data volume is filled completely while a build runs.
var diskFull = fault{
	name: "disk full", late: true,
	moments: []moment{
		fillWhen("in the clone", "", (*environment).gitGate),
		fillWhen("at the image's manifest", "PUT /v2/"+imageName+"/manifests/", (*environment).registryGate),
		fillWhen("at the signature", "", (*environment).notaryGate),
	},
	commands: []string{"git clone ", "docker build ", "docker push ", "docker trust sign ", "podman image sign ", "cosign ", "docker sbom ", "tar -cjf manifest."},
	cause:    regexp.MustCompile(`the data volume is full: free space on it`),
}

// fillWhen returns a moment that fills the volume while a gate holds data with marker.
func fillWhen(name, marker string, part func(*environment) *gate.Gate) moment {
	return moment{name, func(env *environment, _ *rand.Rand) *injection {
		g := part(env)
		held := g.Hold(marker)
		return &injection{
			inject: func(ctx context.Context) error {
				defer g.Release()
				if err := awaitClosed(ctx, held, "the gate to "+g.Target()+" holds "+marker); err != nil {
					return err
				}
				return env.fill()
			},
			repair: func() error { return os.Remove(env.ballast()) },
		}
	}}
}

func (env *environment) ballast() string { return filepath.Join(env.Server.Volume(), "ballast") }

// fill writes a file until the volume is full.
func (env *environment) fill() error {
	ballast, err := os.Create(env.ballast())
	if err != nil {
		return err
	}
	_, err = io.CopyN(ballast, zeros{}, volumeSize<<20)
	if err = errors.Join(err, ballast.Close()); !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("fill the volume: the error is %w, want that it is full", err)
	}
	return nil
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// mountVolume mounts an empty file system on the volume of the stopped server.
func (env *environment) mountVolume() error {
	options := fmt.Sprintf("size=%dm,mode=700,uid=%d,gid=%d", volumeSize, os.Getuid(), os.Getgid())
	return asRoot("mount", "-t", "tmpfs", "-o", options, "sbs-soak", env.Server.Volume())
}

// asRoot runs a command that changes mounts or interfaces.
func asRoot(command ...string) error {
	if os.Getuid() != 0 {
		command = append([]string{"sudo", "-n"}, command...)
	}
	if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(command, " "), err, out)
	}
	return nil
}
