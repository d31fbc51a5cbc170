package buildlog

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestOutputLines(t *testing.T) {
	l, content := newTestLog(t)
	o := l.Output()
	for _, piece := range []string{"one\ntw", "o cor", "rect horse\r\n", "\n", "\x1b[2Jhidden\x00\n", "\u009b2J\u202ebidi\u2066\u2028ü\n", "cor\x1brect hor\u200fse\n", "correct\x1b\x08 ho\x00rse\n", "last"} {
		if n, err := o.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Fatal(n, err)
		}
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	const head = "2020-06-23 05:25:42,453  root       INFO    run: "
	want := head + "one\n" + head + "two <GITHUB_TOKEN>\n" + head + "hidden\n" + head + "bidiü\n" + head + "<GITHUB_TOKEN>\n" + head + "<GITHUB_TOKEN>\n" + head + "last\n"
	if content() != want {
		t.Errorf("got\n%s\nwant\n%s", content(), want)
	}
}

// TestOutputForATerminal: colours, titles, links and progress bars become plain lines.
// Pieces may end anywhere.
func TestOutputForATerminal(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"colours":                     {"\x1b[1;31mred\x1b[0m and \x1b[38:5:4mblue\x1b[K\n", "red and blue"},
		"eight bits":                  {"a\u009b31mb\u009d0;title\u009cc\n", "abc"},
		"title":                       {"\x1b]0;a title\aafter\n", "after"},
		"link":                        {"\x1b]8;;https://example.com/\x1b\\text\x1b]8;;\x1b\\!\n", "text!"},
		"device control":              {"a\x1bPq#1;2\x1b\\b\x1b_x\x1b\\c\n", "abc"},
		"character sets":              {"\x1b(Ba\x1b)0b\x1b#8c\x1b=d\x1b7e\n", "abcde"},
		"a sequence without an end":   {"a\x1b]0;not a title\nb\x1b[31\nc\x1b\n", "a]0;not a title|b[31|c"},
		"a sequence in another":       {"a\x1b[3\x1b[31mb\n", "a[3b"},
		"a sequence of no length":     {"a\x1b]0;" + strings.Repeat("x", maxSequence) + "\ab\n", "a]0;" + strings.Repeat("x", maxSequence) + "b"},
		"letters above ASCII":         {"gr\u00fc\u00df \u00c2\u00a9\n", "gr\u00fc\u00df \u00c2\u00a9"},
		"line ends of two":            {"one\r\ntwo\r\n", "one|two"},
		"a bar":                       {"#5 0.12   0%\r#5  50% [##  ]\r 100% [####]\r\n", "#5 0.12  100% [####]"},
		"two bars joined":             {"layer one 1%\rlayer one 99%\rlayer two 1%\rlayer two 100%\n", "layer one 99%|layer two 100%"},
		"a bar by cursor":             {"\x1b[2K\x1b[1Gdone 1\x1b[2K\x1b[1Gdone 2\n", "done 2"},
		"a text that is written over": {"an error\rfine\n", "an error|fine"},
		"a secret in colours":         {"corr\x1b[31mect horse\x1b[0m\n", "<GITHUB_TOKEN>"},
		"a secret in a title":         {"corr\x1b]0;x\aect horse\n", "<GITHUB_TOKEN>"},
		"a secret written over":       {"x correct\r horse y\n", "x <GITHUB_TOKEN> y"},
		"a secret like a sequence":    {"cor\x1brect hor\x1bse\n", "<GITHUB_TOKEN>"},
	} {
		for _, size := range []int{1, 3, 1 << 20} {
			l, content := newTestLog(t)
			o := l.Output()
			for piece := range slices.Chunk([]byte(test.text), size) {
				if _, err := o.Write(piece); err != nil {
					t.Fatal(err)
				}
			}
			if err := o.Close(); err != nil {
				t.Fatal(err)
			}
			if got := runs(content()); got != test.want {
				t.Errorf("%s in pieces of %d: %q, want %q", name, size, got, test.want)
			}
		}
	}
}

// runs returns the texts of the lines of a log, joined.
func runs(log string) string {
	var texts []string
	for line := range strings.Lines(log) {
		_, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "run: ")
		texts = append(texts, text)
	}
	return strings.Join(texts, "|")
}

// A progress bar that never ends its line is written while it runs, and takes no memory.
func TestProgressBarIsBounded(t *testing.T) {
	l, content := newTestLog(t)
	o := l.Output()
	for i := range 100_000 {
		fmt.Fprintf(o, "\r\x1b[K#%d of 100000 files, correct", i)
		if len(o.pending) > 4*maxLine || len(o.bare) > 4*maxLine {
			t.Fatalf("%d and %d bytes are held", len(o.pending), len(o.bare))
		}
	}
	fmt.Fprintf(o, " horse\n")
	got := content()
	if lines := strings.Count(got, "\n"); lines > 100 || strings.Contains(got, "correct horse") {
		t.Errorf("%d lines", lines)
	}
}

func TestClippedOutputIsReported(t *testing.T) {
	for _, builder := range []string{"#7 [output clipped, log limit 1MiB reached]\n", "#7 [output clipped, log limit 200KiB/s reached]\n", "#7 all of it\n"} {
		l, content := newTestLog(t)
		o := l.Output()
		if _, err := o.Write([]byte(builder)); err != nil {
			t.Fatal(err)
		}
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
		if reported := strings.Contains(content(), "WARNING the builder dropped output"); reported != strings.Contains(builder, "clipped") {
			t.Errorf("after %q the log is %q", builder, content())
		}
	}
}

// FuzzOutput: whatever a step prints, the log contains no secret, no control character,
// and no line without the time.
func FuzzOutput(f *testing.F) {
	f.Add([]byte("cor\x1b[31mrect\r horse"), 3)
	f.Add([]byte("\x1b]0;correct horse\x1b\\\xc2\x9b"), 1)
	f.Fuzz(func(t *testing.T, text []byte, size int) {
		l, content := newTestLog(t)
		o := l.Output()
		for piece := range slices.Chunk(text, max(1, size%64)) {
			if _, err := o.Write(piece); err != nil {
				t.Fatal(err)
			}
		}
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
		got := content()
		if strings.Contains(got, "correct horse") {
			t.Errorf("a secret is in %q", got)
		}
		for line := range strings.Lines(got) {
			if !strings.HasPrefix(line, "2020-06-23 ") || strings.Map(printableRune, line) != strings.TrimSuffix(line, "\n") {
				t.Errorf("the line %q", line)
			}
		}
	})
}

// TestLongLineIsCutAfterTheSecret writes a secret across the cut.
func TestLongLineIsCutAfterTheSecret(t *testing.T) {
	for shift := range 24 {
		l, content := newTestLog(t)
		o := l.Output()
		line := strings.Repeat("\x00", 1<<10) + strings.Repeat("x", maxLine-shift) + "correct horse/battery" + strings.Repeat("y", 1<<20) + "\nnext\n"
		if _, err := o.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
		got := content()
		if strings.Contains(got, "correct") || !strings.Contains(got, "(cut: the line is longer)\n") || !strings.HasSuffix(got, "run: next\n") {
			t.Fatalf("shift %d: ...%q", shift, got[max(0, len(got)-200):])
		}
		if !utf8.ValidString(got) {
			t.Error("the log is not text")
		}
	}
}
