package main

// Time and memory of a clone and of a manifest are measured in a process that does
// nothing else, as those of git and tar. This program runs itself in a role for that.
// ru_maxrss of a process is at least that of the process that starts it (execve(2)
// keeps it), hence the small process of roleMeasure in between.

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

// roleVariable is the environment variable that names the role of a process.
const roleVariable = "SBS_BENCH_ROLE"

const (
	roleMeasure = "measure" // run the arguments as a command, print its usage
	roleClone   = "clone"   // clone the request on standard input to the folder of the argument
	rolePack    = "pack"    // write the archive of a folder's manifest to a file
)

// usage is the time and memory of a process.
type usage struct {
	Seconds float64
	Peak    float64 // MB
}

// runRole does the work of a role.
func runRole(ctx context.Context, role string, arguments []string) error {
	switch {
	case role == roleMeasure && len(arguments) > 1:
		return measureProcess(arguments[0], arguments[1], arguments[2:])
	case role == roleClone && len(arguments) == 1:
		return cloneInto(ctx, arguments[0])
	case role == rolePack && len(arguments) == 2:
		return pack(ctx, arguments[0], arguments[1])
	}
	return fmt.Errorf("%s=%s: only this program itself sets it", roleVariable, role)
}

// measureProcess runs a command and prints its usage as JSON. The environment of the
// command names the role.
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
	return json.NewEncoder(os.Stdout).Encode(usage{took, peak})
}

// cloneInto clones the request on standard input to dir.
func cloneInto(ctx context.Context, dir string) error {
	var request source.Request
	if err := json.NewDecoder(os.Stdin).Decode(&request); err != nil {
		return err
	}
	_, err := source.Clone(ctx, request, dir, nil)
	return err
}

// pack writes the manifest's archive of a folder to a file.
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

// measured runs another program, or this one in a role, and returns the usage of the
// process.
func (p program) measured(ctx context.Context, role, name string, arguments ...string) (usage, error) {
	self, err := os.Executable()
	if err != nil {
		return usage{}, err
	}
	if role != "" {
		name = self
	}
	p.environment = append(p.environment, roleVariable+"="+roleMeasure)
	out, err := p.run(ctx, self, append([]string{role, name}, arguments...)...)
	if err != nil {
		return usage{}, err
	}
	var used usage
	err = json.NewDecoder(strings.NewReader(out)).Decode(&used)
	return used, err
}
