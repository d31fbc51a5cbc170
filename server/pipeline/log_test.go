package pipeline

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/opensbs/sbs/api"
)

const sshKey = `-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
QyNTUxOQAAACDvQp1bX9N2lgWbN0Vh3n0u7M8X5cZQqBq0s4mRk9m8yAAAAJhx
-----END OPENSSH PRIVATE KEY-----
`

var planted = map[string]string{
	"DOCKER_PASSWORD": "correct horse/battery",
	"GITHUB_TOKEN":    "correct horse",
	"GITHUB_KEY":      sshKey,
	"QUOTES":          `say "friend" & enter`,
	"TINY":            "abc",
}

func TestRedact(t *testing.T) {
	r := newRedactor(planted)
	for text, want := range map[string]string{
		"nothing here":                    "nothing here",
		"a correct horse/battery b":       "a <DOCKER_PASSWORD> b",
		"correct horse":                   "<GITHUB_TOKEN>",
		"correct horse/batterie":          "<GITHUB_TOKEN>/batterie",
		"correct+horse%2Fbattery":         "<DOCKER_PASSWORD>",
		"correct%20horse%2Fbattery":       "<DOCKER_PASSWORD>",
		"abc is too short to be a secret": "abc is too short to be a secret",
		"QyNTUxOQAAACDvQp1bX9N2lgWbN0Vh3n0u7M8X5cZQqBq0s4mRk9m8yAAAAJhx":          "<GITHUB_KEY>",
		"-----BEGIN OPENSSH PRIVATE KEY-----":                                     "-----BEGIN OPENSSH PRIVATE KEY-----",
		hex.EncodeToString([]byte("correct horse/battery")):                       "<DOCKER_PASSWORD>",
		base64.StdEncoding.EncodeToString([]byte("correct horse/battery")):        "<DOCKER_PASSWORD>",
		base64.StdEncoding.EncodeToString([]byte("correct horse/battery\n")):      "<DOCKER_PASSWORD>==",
		strings.ToUpper(hex.EncodeToString([]byte("correct horse/battery"))):      "<DOCKER_PASSWORD>",
		base64.StdEncoding.EncodeToString([]byte("user:correct horse/battery")):   "dXNlcjp<DOCKER_PASSWORD>k=",
		base64.StdEncoding.EncodeToString([]byte("u:correct horse/battery;")):     "dTp<DOCKER_PASSWORD>k7",
		`{"password":"say \"friend\" \u0026 enter"}`:                              `{"password":"<QUOTES>"}`,
		`{"password":"say \"friend\" & enter"}`:                                   `{"password":"<QUOTES>"}`,
		"x" + base64.RawURLEncoding.EncodeToString([]byte("correct horse")) + "y": "x<GITHUB_TOKEN>y",
	} {
		if got := r.text(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	values := r.values(map[string]any{
		"ARG":           map[string]string{"A": "correct horse"},
		"ENV_WHITELIST": []string{"correct horse"},
		"DOCKER_USER":   "correct horse",
		"GITHUB_DEPTH":  3,
	})
	for key, value := range values {
		if strings.Contains(strings.ToLower(key), "horse") || strings.Contains(toText(value), "correct horse") {
			t.Errorf("%s still holds the secret: %v", key, value)
		}
	}
}

// A password is found in what HTTP sends of it, however short it is.
func TestRedactLogins(t *testing.T) {
	r := newRedactor(map[string]string{"DOCKER_PASSWORD": "hunter2!", "DOCKER_RO_PASSWORD": "abc"},
		api.Login{Name: "DOCKER_PASSWORD", User: "builder", Password: "hunter2!"},
		api.Login{Name: "DOCKER_RO_PASSWORD", User: "reader", Password: "abc"},
		api.Login{Name: "GITHUB_TOKEN", User: "", Password: "t?k>n"})
	for text, want := range map[string]string{
		"Authorization: Basic YnVpbGRlcjpodW50ZXIyIQ==": "Authorization: Basic <DOCKER_PASSWORD>==",
		"cmVhZGVyOmFiYw==": "<DOCKER_RO_PASSWORD>==",
		base64.URLEncoding.EncodeToString([]byte(":t?k>n")): "<GITHUB_TOKEN>",
		"abc": "abc",
	} {
		if got := r.text(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	for _, before := range []string{"", "x", "xx"} {
		encoded := base64.StdEncoding.EncodeToString([]byte(before + "builder:hunter2!\n"))
		if got := r.text(encoded); !strings.Contains(got, "<DOCKER_PASSWORD>") {
			t.Errorf("%q became %q", encoded, got)
		}
	}
}

// A secret is found in parameters of every kind, at any depth; a value without one
// stays as it is.
func TestRedactValues(t *testing.T) {
	r := newRedactor(planted)
	policy := func(lookaside string) api.BasePolicy {
		return api.BasePolicy{{Image: "r.example.com/ns/base", Method: api.SigningSimple, Key: "key", Lookaside: lookaside}}
	}
	values := r.values(map[string]any{
		"BASE_IMAGE_POLICY": policy("https://h/correct horse/"),
		"NESTED":            map[string]any{"a": []any{1, map[string]string{"correct horse": "x correct horse"}}},
		"GITHUB_DEPTH":      3,
	})
	text, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"BASE_IMAGE_POLICY":[{"image":"r.example.com/ns/base","key":"key","lookaside":"https://h/\u003cGITHUB_TOKEN\u003e/","method":"simple"}],` +
		`"GITHUB_DEPTH":3,"NESTED":{"a":[1,{"\u003cGITHUB_TOKEN\u003e":"x \u003cGITHUB_TOKEN\u003e"}]}}`; string(text) != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	same := policy("https://h/")
	if got := r.values(map[string]any{"BASE_IMAGE_POLICY": same})["BASE_IMAGE_POLICY"]; !reflect.DeepEqual(got, same) {
		t.Errorf("a policy without a secret became %#v", got)
	}
}

func toText(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case []string:
		return strings.Join(value, " ")
	case map[string]string:
		return value["A"]
	}
	return ""
}

// FuzzRedact checks that no secret is left, wherever it stands in a text.
func FuzzRedact(f *testing.F) {
	f.Add("before ", "s3cr3t", " after")
	f.Add("<", "<A>", ">")
	f.Fuzz(func(t *testing.T, before, secret, after string) {
		if len(strings.TrimSpace(secret)) < minSecret || strings.Contains("<SECRET>", strings.TrimSpace(secret)) {
			return
		}
		got := newRedactor(map[string]string{"SECRET": secret}).text(before + secret + after)
		// What is put together out of the rest and a name is not the secret.
		if strings.Contains(strings.ReplaceAll(got, "<SECRET>", "\x00"), secret) {
			t.Errorf("%q is left in %q", secret, got)
		}
	})
}

func newTestLog(t *testing.T) (*log, func() string) {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "build.log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	now := func() time.Time {
		return time.Date(2020, 6, 23, 5, 25, 42, 453_999_999, time.FixedZone("", 3600)).Add(time.Hour)
	}
	l := newLog(file, newRedactor(planted), now, func() {})
	return l, func() string {
		content, err := os.ReadFile(file.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
}

// TestLogLine is the example of the protocol, section 5.
func TestLogLine(t *testing.T) {
	l, content := newTestLog(t)
	l.Info("starting a build")
	if want := "2020-06-23 05:25:42,453  root       INFO    starting a build\n"; content() != want {
		t.Errorf("got  %q\nwant %q", content(), want)
	}
}

func TestOutputLines(t *testing.T) {
	l, content := newTestLog(t)
	o := l.output()
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

// TestOutputForATerminal pins what becomes of colours, titles, links and progress
// bars. Pieces may end anywhere.
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
			o := l.output()
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

// runs are the texts of the lines of a log, joined.
func runs(log string) string {
	var texts []string
	for line := range strings.Lines(log) {
		_, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "run: ")
		texts = append(texts, text)
	}
	return strings.Join(texts, "|")
}

// A bar that never ends its line is written as it goes on, and takes no memory.
func TestEndlessBar(t *testing.T) {
	l, content := newTestLog(t)
	o := l.output()
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

func TestClippedOutputIsSaid(t *testing.T) {
	for _, builder := range []string{"#7 [output clipped, log limit 1MiB reached]\n", "#7 [output clipped, log limit 200KiB/s reached]\n", "#7 all of it\n"} {
		l, content := newTestLog(t)
		o := l.output()
		if _, err := o.Write([]byte(builder)); err != nil {
			t.Fatal(err)
		}
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
		if said := strings.Contains(content(), "WARNING the builder left out output"); said != strings.Contains(builder, "clipped") {
			t.Errorf("after %q the log is %q", builder, content())
		}
	}
}

// FuzzOutput: whatever a step prints, no secret is left in the log, no control
// character, and no line that is not one of the log's.
func FuzzOutput(f *testing.F) {
	f.Add([]byte("cor\x1b[31mrect\r horse"), 3)
	f.Add([]byte("\x1b]0;correct horse\x1b\\\xc2\x9b"), 1)
	f.Fuzz(func(t *testing.T, text []byte, size int) {
		l, content := newTestLog(t)
		o := l.output()
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
			if !strings.HasPrefix(line, "2020-06-23 ") || strings.Map(printable, line) != strings.TrimSuffix(line, "\n") {
				t.Errorf("the line %q", line)
			}
		}
	})
}

// TestLongLineIsCutBehindTheSecret plants a secret across the cut.
func TestLongLineIsCutBehindTheSecret(t *testing.T) {
	for shift := range 24 {
		l, content := newTestLog(t)
		o := l.output()
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

func TestLogIsBounded(t *testing.T) {
	l, content := newTestLog(t)
	line := strings.Repeat("z", maxLine/2)
	for range 2*maxLog/len(line) + 10 {
		l.Info("%s", line)
	}
	got := content()
	if len(got) > maxLog+200 || !strings.HasSuffix(got, "the log ends here: it has reached 67108864 bytes)\n") {
		t.Errorf("%d bytes, ending in %q", len(got), got[len(got)-100:])
	}
}

func TestCommandLine(t *testing.T) {
	got := commandLine("docker", "login", "--username", "<USERNAME>", "--password", "<PASSWORD>", "docker.io")
	if want := "docker login --username <USERNAME> --password <PASSWORD> docker.io"; got != want {
		t.Error(got)
	}
	got = commandLine("docker", "build", "--build-arg", "A=it's $HOME; b", "", ".")
	if want := `docker build --build-arg 'A=it'\''s $HOME; b' '' .`; got != want {
		t.Error(got)
	}
}

// TestLogOnAFullDisk pins that the log goes on when there is room again, says
// that lines are missing, and is never taken for whole.
func TestLogOnAFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	path := filepath.Join(t.TempDir(), "log")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	l := newLog(file, newRedactor(nil), time.Now, func() {})
	l.Info("first")
	l.file = full
	l.Info("second")
	l.Info("third")
	l.file = file
	l.Info("fourth")
	l.Info("fifth")
	if _, err := l.Frozen(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v, want ENOSPC", err)
	}
	if err := l.Close(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v, want ENOSPC", err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.FieldsFuncSeq(string(content), func(r rune) bool { return r == '\n' }) {
		lines = append(lines, line[strings.LastIndex(line, " ")+1:])
	}
	if got := strings.Join(lines, " "); got != "first written) fourth fifth" {
		t.Errorf("the log holds %q", content)
	}
}
