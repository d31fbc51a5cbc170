//go:build stack

package repositories

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// controlSequences steers a terminal, in the notation of the shell's printf: it clears
// the screen, sets a title, requests a reply that the terminal types for the user, makes
// a link, and contains control characters above ASCII, as bytes and in UTF-8, changes
// of direction, a bell, and characters that overwrite a line.
const controlSequences = `a\033[2J\033[1;31mb\033]0;owned\007\033P+q544e\033\\c\033]8;;http://x\007\233\062J\302\233\062J\302\205\342\200\256d\342\201\246e\b\b\rf\v\f\000\177g\n`

// checkPrintable checks that the lines of a text have no character that steers a
// terminal.
func checkPrintable(t *testing.T, where, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		for _, r := range strings.TrimSuffix(line, "\n") {
			if r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
				t.Errorf("%s has the character %U in %.200q", where, r, line)
				break
			}
		}
	}
	if !utf8.ValidString(text) {
		t.Errorf("%s is not UTF-8", where)
	}
}

// Log and status of a build are safe to read in a terminal.
func TestTerminals(t *testing.T) {
	env := shared
	raw := "a\x1b[2J\x1b]0;owned\a\u009b2J\u202eb"
	for name, dockerfile := range map[string]string{
		"output":      "FROM " + env.BaseImage + "\nRUN printf '" + controlSequences + "' && printf '" + controlSequences + "' >&2 && head -c 100000 /bin/busybox\n",
		"failure":     "FROM " + env.BaseImage + "\nRUN printf '" + controlSequences + "'; exit 1\n",
		"command":     "FROM " + env.BaseImage + "\nRUN echo '" + raw + "'; exit 1\n",
		"instruction": "FROM scratch\n" + raw + " x\n",
		"stage":       "FROM scratch AS " + raw + "\n",
		"base":        "FROM " + raw + "\n",
		"path":        "FROM scratch\nCOPY " + raw + " /\n",
	} {
		t.Run(name, func(t *testing.T) {
			repository := "terminal-" + name
			env.repository(t, repository).add(files{"Dockerfile": text(dockerfile)})
			built := env.build(t, repository, nil)
			if built.succeeded() != (name == "output") {
				t.Errorf("%q (%s)", built.Status.Status, built.Cause)
			}
			checkPrintable(t, "the status", built.Status.Status+"\n"+built.Cause)
			checkPrintable(t, "the log", built.log)
			for _, command := range [][]string{{"log", "--log", "build"}, {"status"}, {"status", "--wait"}, {"builds"}} {
				run := exec.CommandContext(t.Context(), env.Programs.ClientBinary, append(command, "--env", "sbs-config.json")...)
				run.Dir = env.Dir()
				output, err := run.CombinedOutput()
				if err != nil && command[len(command)-1] != "--wait" { // whose exit code is that of the build
					t.Errorf("%q: %v: %s", command, err, output)
				}
				checkPrintable(t, strings.Join(command, " "), string(output))
			}
		})
	}
	log, err := os.ReadFile(env.Server.Log())
	if err != nil {
		t.Fatal(err)
	}
	checkPrintable(t, filepath.Base(env.Server.Log()), string(log))
}
