// Time and memory of a clone and of a manifest are those of a process that does
// nothing else, as they are of git and tar. This program plays that process
// itself. What a process is charged with begins with the memory of the one that
// starts it (execve(2) keeps ru_maxrss), hence a small one in between.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/opensbs/sbs/api/manifest"
	"github.com/opensbs/sbs/server/source"
)

// roleVariable is the environment variable that makes this program play a role.
const roleVariable = "SBS_BENCH_ROLE"

const (
	roleMeasure = "measure" // run the arguments, print what they took
	roleClone   = "clone"   // clone the request on standard input into the folder of the argument
	rolePack    = "pack"    // write a folder as a manifest's archive into a file
)

// taken is what a process took.
type taken struct {
	Seconds float64
	Peak    float64 // MB
}

// play plays the role of the environment, if it names one.
func play(ctx context.Context, role string, arguments []string) error {
	switch {
	case role == roleMeasure && len(arguments) > 1:
		return measureProcess(arguments[0], arguments[1], arguments[2:])
	case role == roleClone && len(arguments) == 1:
		return cloneInto(ctx, arguments[0])
	case role == rolePack && len(arguments) == 2:
		return pack(ctx, arguments[0], arguments[1])
	}
	return fmt.Errorf("%s=%s is only for this program's own processes", roleVariable, role)
}

func measureProcess(role, name string, arguments []string) error {
	command := exec.Command(name, arguments...)
	command.Env = append(os.Environ(), roleVariable+"="+role)
	command.Stdin, command.Stderr = os.Stdin, os.Stderr
	began := time.Now()
	err := command.Run()
	took := time.Since(began).Seconds()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	peak, err := peakOf(command.ProcessState)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(taken{took, peak})
}

func cloneInto(ctx context.Context, dir string) error {
	var request source.Request
	if err := json.NewDecoder(os.Stdin).Decode(&request); err != nil {
		return err
	}
	_, err := source.Clone(ctx, request, dir, nil)
	return err
}

func pack(ctx context.Context, dir, file string) (err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	out, err := os.Create(file)
	if err != nil {
		return errors.Join(err, root.Close())
	}
	defer func() { err = errors.Join(err, out.Close(), root.Close()) }()
	_, err = manifest.Write(ctx, out, manifest.Contents{
		Record: []byte("{}"), Log: io.NewSectionReader(bytes.NewReader(nil), 0, 0), Git: root.FS(), Modified: time.Unix(0, 0),
	})
	return err
}

// took runs another program, or this one in a role, in a process of its own.
func (p program) took(ctx context.Context, role, name string, arguments ...string) (taken, error) {
	self, err := os.Executable()
	if err != nil {
		return taken{}, err
	}
	if role != "" {
		name = self
	}
	p.environment = append(p.environment, roleVariable+"="+roleMeasure)
	out, err := p.run(ctx, self, append([]string{role, name}, arguments...)...)
	if err != nil {
		return taken{}, err
	}
	var t taken
	return t, json.NewDecoder(strings.NewReader(out)).Decode(&t)
}
