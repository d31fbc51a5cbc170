package pipeline

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"
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
	want := head + "one\n" + head + "two <GITHUB_TOKEN>\n" + head + "[2Jhidden\n" + head + "2Jbidiü\n" + head + "<GITHUB_TOKEN>\n" + head + "<GITHUB_TOKEN>\n" + head + "last\n"
	if content() != want {
		t.Errorf("got\n%s\nwant\n%s", content(), want)
	}
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
