package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/opensbs/sbs/client"
	"github.com/opensbs/sbs/client/attest"
	"github.com/opensbs/sbs/client/signedmanifest"
	"github.com/opensbs/sbs/client/verify"
)

// TestExitCodes goes through every kind of error, of a command that verifies and of
// one that does not, alone and joined with another error.
func TestExitCodes(t *testing.T) {
	for name, test := range map[string]struct {
		err            error
		judging, plain int
	}{
		"none":                        {nil, exitDone, exitDone},
		"usage":                       {usageError{errors.New("usage"), "help"}, exitUsage, exitUsage},
		"an image that failed":        {&verify.NotVerifiedError{Report: verify.Report{Judged: true}}, exitRefused, exitRefused},
		"an image out of reach":       {&verify.NotVerifiedError{}, exitUnjudged, exitFailed},
		"a server that failed":        {&attest.Refusal{Check: "nonce"}, exitRefused, exitRefused},
		"a policy that is incomplete": {&attest.Refusal{Check: "policy"}, exitUnjudged, exitFailed},
		"a forged manifest":           {&signedmanifest.Refusal{}, exitRefused, exitRefused},
		"a server out of reach":       {&client.Error{Operation: "attest"}, exitUnjudged, exitFailed},
		"a missing file":              {&fs.PathError{Op: "open", Path: "trust.json", Err: fs.ErrNotExist}, exitUnjudged, exitFailed},
		"an interrupt":                {context.Canceled, exitUnjudged, exitFailed},
	} {
		beside := map[string]error{"alone": test.err}
		if test.err != nil {
			beside["before another"] = errors.Join(test.err, errors.New("remove scratch folder"))
			beside["after another"] = errors.Join(errors.New("print"), test.err)
		}
		for where, err := range beside {
			judged := judging(func(*cli.Context) error { return err })(nil)
			if got := exitCode(judged); got != test.judging {
				t.Errorf("%s, %s: a command that verifies exits with %d, want %d", name, where, got, test.judging)
			}
			if got := exitCode(err); got != test.plain {
				t.Errorf("%s, %s: another command exits with %d, want %d", name, where, got, test.plain)
			}
		}
	}
}

// TestExitCodesAreDocumented holds the table in docs/verify.md against the
// constants.
func TestExitCodesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/verify.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(page), "<!-- exit codes -->")
	table, _, closed := strings.Cut(table, "<!-- end of exit codes -->")
	if !ok || !closed {
		t.Fatal("docs/verify.md has no table of exit codes")
	}
	var got []string
	for _, row := range regexp.MustCompile(`(?m)^\| (\d+) \|`).FindAllStringSubmatch(table, -1) {
		got = append(got, row[1])
	}
	var want []string
	for i, code := range []int{exitDone, exitFailed, exitUsage, exitRefused, exitUnjudged} {
		if i != code {
			t.Errorf("exit code %d is the constant number %d", code, i)
		}
		want = append(want, strconv.Itoa(code))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("docs/verify.md has the exit codes %v, want %v", got, want)
	}
}
