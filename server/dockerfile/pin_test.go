package dockerfile

import (
	"bytes"
	"strings"
	"testing"
)

func TestPin(t *testing.T) {
	one, two := "example.com/pinned/0"+sum, "example.com/pinned/1"+sum
	cases := map[string]struct {
		text string
		env  Environment
		want string
	}{
		"from":                   {"FROM alpine:3.20 AS a\nRUN ls\n", linux, "FROM " + one + " AS a\nRUN ls\n"},
		"no last newline":        {"FROM alpine", linux, "FROM " + one},
		"white space":            {"\n  from\t alpine  as x \r\nRUN  ls\r\n", linux, "\n  from\t " + one + "  as x \r\nRUN  ls\r\n"},
		"argument":               {"ARG V=1\nFROM a:${V}\nRUN echo a:${V}\n", linux, "ARG V=1\nFROM " + one + "\nRUN echo a:${V}\n"},
		"the same image":         {"FROM a\nFROM a\n", linux, "FROM " + one + "\nFROM " + one + "\n"},
		"two images":             {"FROM a\nCOPY --from=b --chown=1 b /b\n", linux, "FROM " + one + "\nCOPY --from=" + two + " --chown=1 b /b\n"},
		"mount":                  {"FROM a\nRUN --mount=type=bind,from=b,target=/b \\\n  cat /b\n", linux, "FROM " + one + "\nRUN --mount=type=bind,from=" + two + ",target=/b \\\n  cat /b\n"},
		"two mounts":             {"FROM a\nRUN --mount=from=a,target=/1 --mount=from=a,target=/1 ls\n", linux, "FROM " + one + "\nRUN --mount=from=" + one + ",target=/1 --mount=from=" + one + ",target=/1 ls\n"},
		"named like the word":    {"FROM from AS as\nFROM as\n", linux, "FROM " + one + " AS as\nFROM as\n"},
		"platform alike":         {"FROM --platform=linux linux\n", linux, "FROM --platform=linux " + one + "\n"},
		"stage by argument":      {"ARG S=one\nFROM a AS one\nFROM $S\n", linux, "ARG S=one\nFROM " + one + " AS one\nFROM one\n"},
		"scratch by argument":    {"ARG S=scratch\nFROM $S\n", linux, "ARG S=scratch\nFROM scratch\n"},
		"quoted":                 {"FROM \"a\"\n", linux, "FROM " + one + "\n"},
		"continued":              {"FROM \\\n  a \\\n  AS b\nRUN ls\n", linux, "FROM \\\n  " + one + " \\\n  AS b\nRUN ls\n"},
		"here-document":          {"FROM a\nRUN <<X python\nfrom os import path\nX\nCOPY --from=b <<Y /y /\nCOPY 1\nY\n", linux, "FROM " + one + "\nRUN <<X python\nfrom os import path\nX\nCOPY --from=" + two + " <<Y /y /\nCOPY 1\nY\n"},
		"comments":               {"# FROM a\nFROM a # AS\n", linux, ""},
		"byte order mark":        {"\xef\xbb\xbfFROM a\n", linux, "\xef\xbb\xbfFROM " + one + "\n"},
		"pinned before":          {"FROM a:1" + sum + "\n", linux, "FROM docker.io/library/a" + sum + "\n"},
		"frontend pinned":        {"# syntax=s:1" + sum + "\nFROM a\n", linux, "# syntax=s:1" + sum + "\nFROM " + two + "\n"},
		"frontend by argument":   {"FROM a\n", with("BUILDKIT_SYNTAX", "s"+sum), "FROM " + two + "\n"},
		"trigger pinned":         {"FROM a\nONBUILD COPY --from=s" + sum + " /x /\n", linux, "FROM " + one + "\nONBUILD COPY --from=s" + sum + " /x /\n"},
		"trigger, here-document": {"FROM a\nONBUILD RUN <<X\nls\nX\n", linux, "FROM " + one + "\nONBUILD RUN <<X\nls\nX\n"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			f, err := Parse([]byte(c.text), c.env)
			if c.want == "" {
				if err == nil {
					t.Error("it was read")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if text, err := f.Pin(pinAll(f)); err != nil || string(text) != c.want {
				t.Errorf("%q (%v), want %q", text, err, c.want)
			}
		})
	}
}

func TestPinRefuses(t *testing.T) {
	cases := map[string]struct {
		text string
		env  Environment
		says string
	}{
		"frontend by tag":             {"# syntax=docker/dockerfile:1\nFROM a\n", linux, `"docker/dockerfile:1" (# syntax, line 1) must be named by its digest`},
		"frontend argument by tag":    {"FROM a\n", with("BUILDKIT_SYNTAX", "evil/frontend"), `"evil/frontend" (BUILDKIT_SYNTAX) must be named by its digest`},
		"trigger by tag":              {"FROM a\nONBUILD COPY --from=evil /x /\n", linux, `"evil" (ONBUILD, line 2) must be named by its digest`},
		"hidden in a here-document":   {"FROM a\nRUN <<\"RUN ls\"\nCOPY --from=evil /x /\nRUN ls\n", linux, `"evil" (COPY --from, line 3) is not pinned`},
		"FROM in a here-document":     {"FROM a\nCOPY <<\"RUN ls\" /x\nFROM evil AS e\nRUN ls\nRUN ls\n", linux, `"evil" (FROM, line 3) is not pinned`},
		"argument in a here-document": {"FROM a\nCOPY <<\"RUN ls\" /x\nFROM $X\nRUN ls\nRUN ls\n", with("X", "a"), "line 3"},
		"broken in the name":          {"FROM al\\\npine\n", linux, "line 1"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			f, err := Parse([]byte(c.text), c.env)
			if err != nil {
				t.Fatal(err)
			}
			text, err := f.Pin(pinAll(f))
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%q, error %v, want one with %q", text, err, c.says)
			}
		})
	}
	f, err := Parse([]byte("FROM a\nCOPY --from=b /x /\n"), linux)
	if err != nil {
		t.Fatal(err)
	}
	for name, pinned := range map[string]map[string]string{
		"left out":   {"a": "docker.io/library/a" + sum},
		"by tag":     {"a": "docker.io/library/a" + sum, "b": "docker.io/library/b:1"},
		"familiar":   {"a": "docker.io/library/a" + sum, "b": "b" + sum},
		"with a tag": {"a": "docker.io/library/a" + sum, "b": "docker.io/library/b:1" + sum},
	} {
		if text, err := f.Pin(pinned); err == nil || !strings.Contains(err.Error(), `"b" (COPY --from, line 2)`) {
			t.Errorf("%s: %q, error %v", name, text, err)
		}
	}
}

// The check is independent: whatever a rewriting did wrong, it finds.
func TestCheckTrustsNoRewriting(t *testing.T) {
	f, err := Parse([]byte("ARG V=1\nFROM a:$V AS s\nFROM b\nCOPY --from=s /x /x\nRUN <<X\nls\nX\n"), linux)
	if err != nil {
		t.Fatal(err)
	}
	pinned := pinAll(f)
	good, err := f.Pin(pinned)
	if err != nil {
		t.Fatal(err)
	}
	one, two := pinned["a:1"], pinned["b"]
	for name, change := range map[string]*strings.Replacer{
		"not pinned":      strings.NewReplacer(one, "a:1"),
		"another digest":  strings.NewReplacer(one, strings.ReplaceAll(one, "aaaa", "bbbb")),
		"an argument":     strings.NewReplacer(one, "$V", "V=1", "V="+one),
		"the other image": strings.NewReplacer(one, two),
		"another command": strings.NewReplacer("ls", "rm"),
		"another flag":    strings.NewReplacer("--from=s", "--from=0"),
		"one more":        strings.NewReplacer("RUN <<X", "RUN true\nRUN <<X"),
		"one less":        strings.NewReplacer("COPY --from=s /x /x\n", ""),
		"another stage":   strings.NewReplacer("AS s", "AS r"),
	} {
		if err := f.checkPinned([]byte(change.Replace(string(good))), pinned); err == nil {
			t.Errorf("%s: it was not found", name)
		}
	}
}

func TestOnlyPinned(t *testing.T) {
	allowed := []string{"docker.io/library/a" + sum}
	image := func(name string) imageRef { return imageRef{Image: Image{Name: name}, external: true, literal: true} }
	stage := imageRef{Image: Image{Name: "first"}, literal: true}
	for name, refs := range map[string][]imageRef{
		"none": nil, "a stage": {stage}, "pinned": {stage, image("a" + sum)}, "with a tag too": {image("a:1" + sum)},
	} {
		if err := onlyPinned(refs, allowed); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	argument := image("a" + sum)
	argument.literal = false
	for name, p := range map[string]imageRef{
		"by tag": image("a:1"), "another image": image("b" + sum), "another digest": image("a" + strings.ReplaceAll(sum, "aa", "ab")),
		"no name": image("A"), "by an argument": argument, "a stage by an argument": {Image: Image{Name: "first"}},
	} {
		if err := onlyPinned([]imageRef{stage, p}, allowed); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func FuzzPin(f *testing.F) {
	for _, seed := range []string{
		"ARG V=1\nFROM a:$V AS b\nCOPY --from=c /x /\n",
		"# syntax=s" + sum + "\nFROM \\\n a AS b\nFROM b\nRUN --mount=type=bind,from=d,target=/d ls\n",
		"# check=skip=all\r\nFROM a\\\r\nAS b\r\n# check=error=true\r\nONBUILD COPY --from=x /y /z\r\n",
		"FROM a\nRUN <<X <<-'Y'\nCOPY --from=evil /x /\nX\n\tFROM x\n\tY\n",
	} {
		f.Add([]byte(seed), "2")
	}
	f.Fuzz(func(t *testing.T, text []byte, value string) {
		env := with("V", value)
		file, err := Parse(text, env)
		if err != nil {
			return
		}
		pinned := pinAll(file)
		rewritten, err := file.Pin(pinned)
		if err != nil {
			return
		}
		again, err := Parse(rewritten, env)
		if err != nil {
			t.Fatalf("%q was rewritten to %q: %v", text, rewritten, err)
		}
		allowed := map[string]bool{}
		for _, reference := range pinned {
			allowed[reference] = true
		}
		for _, image := range again.Images() {
			if canonical, ok := Canonical(image.Name); !ok || !allowed[canonical] {
				t.Fatalf("%q was rewritten to %q, with %s", text, rewritten, image)
			}
		}
		if bytes.Count(text, []byte("\n")) != bytes.Count(rewritten, []byte("\n")) {
			t.Fatalf("%q was rewritten to %q, with other lines", text, rewritten)
		}
	})
}
