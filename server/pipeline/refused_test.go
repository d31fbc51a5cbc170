package pipeline

// What the pipeline refuses or warns of before the builder is called.

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/source"
)

// cloning replaces the Dockerfile of the fixture's clone.
func (f *fixture) cloning(dockerfile string) {
	f.pipeline.Clone = func(ctx context.Context, request source.Request, dir string, progress io.Writer) (source.Checkout, error) {
		checkout, err := f.clone(ctx, request, dir, progress)
		return checkout, errors.Join(err, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(dockerfile), 0o600))
	}
}

// TestRefusedDockerfileReachesNoBuilder clones Dockerfiles that end a builder. The
// build fails with the checker's reason, and the builder is not called.
func TestRefusedDockerfileReachesNoBuilder(t *testing.T) {
	const command = "docker build -t r.example.com/ns/app:0123456 -t r.example.com/ns/app:latest -f Dockerfile ."
	for name, test := range map[string]struct{ dockerfile, cause string }{
		"arguments only":   {"ARG V=1\n", "Dockerfile: there is no FROM in it"},
		"carriage returns": {"ARG V=1\rFROM scratch\r", "carriage return alone"},
		"empty":            {"\n", "Dockerfile: it is empty"},
		"not text":         {"FROM scratch\n\x00", "line 2 has a NUL byte"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.cloning(test.dockerfile)
			last := f.run()
			if !strings.Contains(last.Cause, test.cause) {
				t.Errorf("the cause is %q, want %q", last.Cause, test.cause)
			}
			f.checkFailed(last, command, last.Cause)
			if slices.Contains(f.calls, "build") || !slices.Contains(f.calls, "clone") {
				t.Errorf("the calls were %q", f.calls)
			}
		})
	}
}

// TestCredentialArgumentsAreWarnedOf builds with arguments that have the name or the
// value of a credential: the log has a WARNING for each, without the value.
func TestCredentialArgumentsAreWarnedOf(t *testing.T) {
	f := newFixture(t)
	parameters := loopParameters()
	parameters.Args = map[string]string{"NPM_TOKEN": "by-its-name", "INDEX": "https://ada:by-its-value@pypi.example.com/simple", "VERSION": "1.2"}
	if err := f.pipeline.Begin(parameters); err != nil {
		t.Fatal(err)
	}
	last := f.wait()
	if last.Status != api.StatusSuccess {
		t.Fatalf("ended as %q: %s", last.Status, last.Cause)
	}
	log, err := os.ReadFile(filepath.Join(f.dir, "builds", last.ID, "build.log"))
	if err != nil {
		t.Fatal(err)
	}
	var warnings []string
	for line := range strings.Lines(string(log)) {
		if strings.Contains(line, "WARNING ") {
			warnings = append(warnings, line)
		}
	}
	if len(warnings) != 2 || !strings.Contains(warnings[0], "WARNING ARG INDEX holds ") || !strings.Contains(warnings[1], "WARNING ARG NPM_TOKEN has the name of a credential") {
		t.Errorf("the warnings are %q", warnings)
	}
	if text := strings.Join(warnings, ""); strings.Contains(text, "by-its-") {
		t.Errorf("the warnings have a value: %s", text)
	}
}
