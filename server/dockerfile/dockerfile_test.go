package dockerfile

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const sum = "@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

var linux = Environment{OS: "linux", Arch: "s390x"}

func with(args ...string) Environment {
	env := Environment{OS: "linux", Arch: "s390x", Args: map[string]string{}}
	for i := 0; i < len(args); i += 2 {
		env.Args[args[i]] = args[i+1]
	}
	return env
}

// pinAll pins every image, the n-th name to the digest that ends in n.
func pinAll(f *File) map[string]string {
	pinned := map[string]string{}
	for _, image := range f.Images() {
		if canonical, ok := Canonical(image.Name); ok {
			pinned[image.Name] = canonical
		} else if _, known := pinned[image.Name]; !known {
			pinned[image.Name] = fmt.Sprintf("example.com/pinned/%d%s", len(pinned), sum)
		}
	}
	return pinned
}

func TestImages(t *testing.T) {
	cases := map[string]struct {
		text string
		env  Environment
		want []string
	}{
		"scratch":                             {"FROM scratch\nCOPY a /\n", linux, nil},
		"scratch by argument":                 {"ARG B=scratch\nFROM $B\n", linux, nil},
		"one":                                 {"FROM alpine:3.20\n", linux, []string{"FROM alpine:3.20"}},
		"spelled otherwise":                   {"  from\talpine\n", linux, []string{"FROM alpine"}},
		"stages":                              {"FROM a AS Build\nFROM build\nFROM b\nCOPY --from=BUILD /x /\nCOPY --from=0 /x /\n", linux, []string{"FROM a", "FROM b"}},
		"a stage not built":                   {"FROM a AS no\nFROM b\n", linux, []string{"FROM a", "FROM b"}},
		"its own name":                        {"FROM a AS a\nFROM a\n", linux, []string{"FROM a"}},
		"a number is no stage of FROM":        {"FROM a\nFROM 0\n", linux, []string{"FROM a", "FROM 0"}},
		"a number is no stage of mount":       {"FROM a\nFROM b\nRUN --mount=from=0,target=/x ls\n", linux, []string{"FROM a", "FROM b", "RUN --mount 0"}},
		"its own name again":                  {"FROM a AS b\nCOPY --from=b /x /\nRUN --mount=from=B,target=/x ls\nFROM b\nCOPY --from=b /x /\n", linux, []string{"FROM a", "COPY --from b", "RUN --mount B"}},
		"copied":                              {"FROM a\nCOPY --chown=1 --from=c:1 /x /\nCOPY --from=c:1 /y /\n", linux, []string{"FROM a", "COPY --from c:1", "COPY --from c:1"}},
		"a later stage":                       {"FROM a\nCOPY --from=late /x /\nFROM b AS late\n", linux, []string{"FROM a", "COPY --from late", "FROM b"}},
		"mounted":                             {"FROM a\nRUN --mount=type=bind,From=m,target=/m --mount=type=cache,target=/c ls\n", linux, []string{"FROM a", "RUN --mount m"}},
		"mounted temporary":                   {"FROM a\nRUN --mount=type=tmpfs,from=m,target=/m ls\n", linux, []string{"FROM a", "RUN --mount m"}},
		"argument":                            {"ARG V=1\nARG I=a:${V}\nFROM $I\n", linux, []string{"FROM a:1"}},
		"argument given":                      {"ARG V=1\nFROM a:$V\n", with("V", "2"), []string{"FROM a:2"}},
		"argument smuggled":                   {"ARG V=1\nFROM ${V}\n", with("V", "evil.example/x"), []string{"FROM evil.example/x"}},
		"argument given empty":                {"ARG V=1\nFROM a:${V:-3}\n", with("V", ""), []string{"FROM a:3"}},
		"default in place":                    {"ARG V\nFROM a:${V:-3}\n", linux, []string{"FROM a:3"}},
		"not declared":                        {"FROM a:${V:-3}\n", with("V", "2"), []string{"FROM a:3"}},
		"declared in a stage":                 {"FROM a\nARG V=9\nFROM b:${V:-3}\n", linux, []string{"FROM a", "FROM b:3"}},
		"platform":                            {"FROM a:$TARGETOS-$TARGETARCH$TARGETVARIANT\n", linux, []string{"FROM a:linux-s390x"}},
		"platform declared":                   {"ARG TARGETARCH\nFROM a:$TARGETARCH\n", linux, []string{"FROM a:s390x"}},
		"platform given":                      {"ARG TARGETARCH\nFROM a:$TARGETARCH\n", with("TARGETARCH", "mine"), []string{"FROM a:mine"}},
		"on a platform":                       {"FROM --platform=$BUILDPLATFORM a\n", linux, []string{"FROM a linux/s390x"}},
		"stage by argument":                   {"ARG S=one\nFROM a AS one\nFROM $S\n", linux, []string{"FROM a"}},
		"here-document":                       {"FROM a\nRUN <<X cat\nFROM b\nX\n", linux, []string{"FROM a"}},
		"continued":                           {"FROM \\\n# FROM x\n a \\\n AS b\nRUN echo \\\n\nFROM no\n", linux, []string{"FROM a"}},
		"trigger":                             {"FROM a AS s\nONBUILD COPY --from=s /x /\nONBUILD RUN --mount=from=t,target=/t ls\nONBUILD COPY --from=0 /x /\n", linux, []string{"FROM a", "ONBUILD s", "ONBUILD t"}},
		"syntax":                              {"# syntax = docker/dockerfile:1 more\nFROM a\n", linux, []string{"# syntax docker/dockerfile:1", "FROM a"}},
		"syntax after a check":                {"# check=skip=all\n#SYNTAX=s\nFROM a\n", linux, []string{"# syntax s", "FROM a"}},
		"syntax after what old versions skip": {"# any=thing\n# syntax=s\nFROM a\n", linux, []string{"# syntax s", "FROM a"}},
		"syntax after a shebang":              {"#!/usr/bin/env x\n# syntax=s\nFROM a\n", linux, []string{"# syntax s", "FROM a"}},
		"syntax after a mark":                 {"\xef\xbb\xbf# syntax=s\nFROM a\n", linux, []string{"# syntax s", "FROM a"}},
		"no syntax after an instruction":      {"FROM a\n# syntax=s\n", linux, []string{"FROM a"}},
		"syntax by argument":                  {"FROM a\n", with("BUILDKIT_SYNTAX", "s more"), []string{"BUILDKIT_SYNTAX s", "FROM a"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			f, err := Parse([]byte(c.text), c.env)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, image := range f.Images() {
				got = append(got, strings.TrimSpace(image.How+" "+image.Name+" "+image.Platform))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestExternal(t *testing.T) {
	text := "# syntax=s\nARG V=1\nFROM a:$V\nONBUILD COPY --from=t /x /\nONBUILD COPY --from=0 /x /\nCOPY --from=c /x /\nCOPY --from=c /y /\nFROM a:1\nFROM 0\n"
	names, err := External([]byte(text), linux)
	if want := []string{"a:1", "c", "0"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("%q (%v), want %q", names, err, want)
	}
}

func TestRefused(t *testing.T) {
	cases := map[string]struct {
		text string
		env  Environment
		says string
	}{
		"nothing":                             {"", linux, "no instructions"},
		"no stage":                            {"ARG A\n", linux, "no FROM"},
		"not a Dockerfile":                    {"hello\n", linux, "unknown instruction"},
		"JSON":                                {`{"syntax":"evil"}`, linux, "unknown instruction"},
		"another kind of comment":             {"// syntax=evil\nFROM a\n", linux, "unknown instruction"},
		"unknown word":                        {"FROM a b\n", linux, "FROM requires"},
		"empty name":                          {"FROM a$X\nFROM $X\n", linux, "empty"},
		"broken argument":                     {"FROM ${x\n", linux, "line 1"},
		"a stage by number that is not there": {"FROM a\nCOPY --from=0 /x /\n", linux, "no such stage"},
		"carriage return within a line":       {"FROM a\nRUN echo \\\r\r\nCOPY --from=evil /x /\n", linux, "control character 0x0d"},
		"form feed":                           {"FROM a\nRUN\fls\n", linux, "line 2"},
		"not UTF-8":                           {"FROM a\xff\n", linux, "UTF-8"},
		"escape":                              {"# escape=`\nFROM a\nRUN dir c:\\\nFROM b\n", linux, "line 1 is an escape directive"},
		"escape of its own":                   {"# escape=\\\nFROM a\n", linux, "line 1 is an escape directive"},
		"escape in another kind of comment":   {"// escape=`\nFROM a\n", linux, "line 1 is an escape directive"},
		"flag hidden by an escape":            {"FROM a\nCOPY --chown=0` --from=evil /x /x\n", linux, "line 2: the flag --chown=0`"},
		"flag in quotes":                      {"FROM a\nCOPY --from=\"b\" /x /\n", linux, "line 2: the flag"},
		"flag with an escape":                 {"FROM a\nCOPY --fr\\om=b /x /\n", linux, "line 2: the flag"},
		"flag hidden in a trigger":            {"FROM a\nONBUILD COPY --chown=0` --from=evil /x /x\n", linux, "line 2: the flag --chown=0`"},
		"here-document over two lines":        {"FROM a\nRUN [\"/probe\"] <\\\n<\"COPY passwd /p\"\nFROM evil\nCOPY passwd /p\n", linux, "line 2: a here-document begins in a continued line"},
		"here-document without an end":        {"FROM a\nRUN cat <<X\nls\n", linux, "line 2: unterminated heredoc"},
		"new substitution":                    {"ARG T=v1\nFROM a:${T#v}\n", linux, "line 2: ${T#v} is a substitution"},
		"new default":                         {"ARG T\nFROM a:${T-1}\n", linux, "line 2: ${T-1} is a substitution"},
		"new substitution in an argument":     {"ARG T=v1\nARG U=${T%1}\nFROM a:$U\n", linux, "line 2: ${T%1} is a substitution"},
		"late escape":                         {"# check=skip=all\n# escape=`\nFROM a\n", linux, "line 2 is an escape directive"},
		"escape after syntax":                 {"# syntax=a\n# escape=`\nFROM a\n", linux, "line 2 is an escape directive"},
		"unusual escape":                      {"#\tescape=`\nFROM a\n", linux, "line 1 is an escape directive"},
		"disabled file operations":            {"FROM a\n", with("BUILDKIT_DISABLE_FILEOP", "1"), "BUILDKIT_DISABLE_FILEOP"},
		"a scanner":                           {"FROM a\n", with("BUILDKIT_ATTEST_SBOM", "generator=evil"), "BUILDKIT_ATTEST_SBOM"},
		"quoted mount":                        {"FROM a\nRUN --mount=\\\"from=evil\\\",target=/x ls\n", linux, "without quotes"},
		"mount from nothing":                  {"FROM a\nONBUILD RUN --mount=from ls\n", linux, "from has no value"},
		"two mounts in one":                   {"FROM a\nRUN --mount=from=b,from=c,target=/x ls\n", linux, "twice"},
		"argument in a mount":                 {"FROM a\nRUN --mount=from=$X,target=/x ls\n", linux, "variable expansion"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse([]byte(c.text), c.env); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want one with %q", err, c.says)
			}
		})
	}
}

// BuildKit's parser takes "# check=" comments above any instruction, for its linter.
func TestCheckComments(t *testing.T) {
	text := "# check=skip=all\nFROM a\n# check=skip=all\nRUN true\n# check=error=true;skip=JSONArgsRecommended\nCMD ls\n"
	if _, err := Parse([]byte(text), linux); err != nil {
		t.Error(err)
	}
	if _, err := External([]byte(text), linux); err != nil {
		t.Error(err)
	}
	if names, err := trigger("# a\n# check=skip=all\nRUN true"); err != nil || names != nil {
		t.Errorf("%q, %v", names, err)
	}
}
