//go:build stack

package dockerfile

import (
	"bufio"
	"encoding/json"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// oldParser is the parser of Docker Engine 20.10, in a process of its own.
type oldParser struct {
	t       *testing.T
	texts   io.WriteCloser
	results *bufio.Reader
}

func startOldParser(t *testing.T) *oldParser {
	t.Helper()
	program := filepath.Join(t.TempDir(), "oldparser")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	build.Dir = "../../tools/oldparser"
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the old parser: %v\n%s", err, output)
	}
	command := exec.Command(program)
	texts, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	results, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = texts.Close()
		if err := command.Wait(); err != nil {
			t.Errorf("the old parser: %v", err)
		}
	})
	return &oldParser{t: t, texts: texts, results: bufio.NewReader(results)}
}

type oldInstruction struct {
	Name         string
	Flags, Words []string
}

// read returns the instructions that the old parser sees; none when it refuses
// the text.
func (p *oldParser) read(text []byte) []oldInstruction {
	p.t.Helper()
	line, err := json.Marshal(string(text))
	if err == nil {
		_, err = p.texts.Write(append(line, '\n'))
	}
	if err != nil {
		p.t.Fatal(err)
	}
	answer, err := p.results.ReadBytes('\n')
	if err != nil {
		p.t.Fatalf("the old parser ended at %q: %v", text, err)
	}
	var result struct{ Instructions []oldInstruction }
	if err := json.Unmarshal(answer, &result); err != nil {
		p.t.Fatal(err)
	}
	return result.Instructions
}

// unpinned returns an image that the old parser sees and that is not pinned, or
// "". A builder runs nothing of a text with an instruction that it does not know.
func unpinned(instructions []oldInstruction, pinned map[string]string) string {
	known := map[string]bool{}
	for _, name := range strings.Fields("add arg cmd copy entrypoint env expose from healthcheck label maintainer onbuild run shell stopsignal user volume workdir") {
		known[name] = true
	}
	for _, one := range instructions {
		if !known[one.Name] {
			return ""
		}
	}
	allowed, stages := map[string]bool{scratch: true}, map[string]bool{}
	for _, reference := range pinned {
		allowed[reference] = true
	}
	verified := func(name string) bool {
		canonical, _ := Canonical(name)
		return allowed[name] || allowed[canonical] || stages[strings.ToLower(name)]
	}
	for _, one := range instructions {
		var names []string
		if one.Name == "from" {
			if len(one.Words) != 1 && len(one.Words) != 3 {
				return "" // no builder takes it
			}
			names = append(names, one.Words[0])
		}
		for _, flag := range one.Flags {
			if name, ok := strings.CutPrefix(flag, "--from="); ok {
				names = append(names, name)
			}
			if options, ok := strings.CutPrefix(flag, "--mount="); ok {
				for _, option := range strings.Split(options, ",") {
					if key, name, _ := strings.Cut(option, "="); strings.EqualFold(key, "from") {
						names = append(names, name)
					}
				}
			}
		}
		for _, name := range names {
			if _, err := strconv.Atoi(name); err != nil && name != "" && !verified(name) {
				return name
			}
		}
		if one.Name == "from" && len(one.Words) == 3 {
			stages[strings.ToLower(one.Words[2])] = true
		}
	}
	return ""
}

// TestOldParserSeesNoOtherImage compares what was pinned with what the parser of
// the oldest supported engine sees in it: first the texts of known attacks, then
// random ones out of what such attacks are made of.
func TestOldParserSeesNoOtherImage(t *testing.T) {
	parser := startOldParser(t)
	pinned := 0
	check := func(text string) {
		t.Helper()
		file, err := Parse([]byte(text), linux)
		if err != nil {
			return
		}
		images := pinAll(file)
		rewritten, err := file.Pin(images)
		if err != nil {
			return
		}
		pinned++
		if name := unpinned(parser.read(rewritten), images); name != "" {
			t.Errorf("%q was pinned to %q, in which Engine 20.10 sees the image %q", text, rewritten, name)
		}
	}
	for _, text := range []string{
		"# escape=`\nFROM a\nCOPY --chown=0` --from=evil /payload /payload\n",
		"FROM a\nRUN [\"/probe\"] <\\\n<\"COPY passwd /p\"\nFROM evil\nCOPY passwd /p\n",
		"FROM a\nRUN <<\"COPY x /p\"\nFROM evil\nCOPY x /p\n",
		"FROM a\nCOPY --chown=\"0 --from=evil\" /x /y\n",
		"FROM a\nRUN echo \\\\\nCOPY --from=evil /x /\n",
	} {
		check(text)
	}
	if name := unpinned(parser.read([]byte("FROM a\n")), nil); name != "a" {
		t.Errorf("the comparison sees %q in a text that is not pinned", name)
	}
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	for range 60000 {
		var text strings.Builder
		text.WriteString([]string{"FROM a\n", "", "# escape=`\n"}[random.IntN(3)])
		for range 1 + random.IntN(14) {
			text.WriteString(pieces[random.IntN(len(pieces))])
		}
		check(text.String())
	}
	if pinned < 500 {
		t.Errorf("only %d texts could be pinned", pinned)
	}
	t.Logf("%d texts were pinned and compared, seed %d", pinned, seed)
}

// pieces are what random texts are made of.
var pieces = []string{
	"FROM a", "FROM b AS s", "FROM evil", "from s", "COPY", "RUN", "ADD", "ONBUILD", "ONBUILD COPY", "LABEL", "ENV", "HEALTHCHECK", "ARG X=a",
	" --from=", " --from=c", " --from=s", " --mount=type=bind,from=c,target=/c", " --mount=from=evil", " --chown=0", " --", " --link",
	" /x /y", " ls", " [\"ls\"]", " <<X", " <<-X", " <", "<", "<<\"COPY x /p\"", "<<'X'", "X", "COPY x /p",
	"\n", "\n", "\n", "\n", "\\\n", "\\ \n", "\\\\\n", "`\n", "`", "\\", "\"", "'", " ", "\t", "\r\n", "# c\n", "# escape=`\n", "# check=skip=all\n", "# syntax=f" + sum + "\n", "\\\n# c\n", "\\\n\n", "\u00a0", "\ufeff",
}

// TestOldParserFindsAStage compares what CheckSyntax takes with what the parser of
// Docker Engine 20.10 finds in it: that builder panics at arguments without a FROM.
func TestOldParserFindsAStage(t *testing.T) {
	parser := startOldParser(t)
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	pieces := append([]string{"ARG V=1", "ARG V=1 ", "\n# check=skip=all\n", "\r", "\r\r\n", "\f", "\v"}, pieces...)
	taken := 0
	for range 60000 {
		text := []string{"ARG V=1", "ARG V=1\n", "# check=skip=all\n# escape=`\nARG V=1 \\\n", "# escape=`\n", ""}[random.IntN(5)]
		for range 1 + random.IntN(10) {
			text += pieces[random.IntN(len(pieces))]
		}
		if CheckSyntax([]byte(text), nil) != nil || firstSyntax.MatchString(text) {
			continue
		}
		taken++
		instructions := parser.read([]byte(text))
		if len(instructions) > 0 && !slices.ContainsFunc(instructions, func(one oldInstruction) bool { return one.Name != "arg" }) {
			t.Errorf("%q was accepted, in which Engine 20.10 sees arguments only", text)
		}
	}
	if taken < 500 {
		t.Errorf("only %d texts were accepted", taken)
	}
	t.Logf("%d texts were accepted and compared, seed %d", taken, seed)
}
