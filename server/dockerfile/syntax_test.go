package dockerfile

import (
	"strings"
	"testing"
)

func TestCheckSyntax(t *testing.T) {
	for text, problem := range map[string]string{
		"FROM a\n":                                           "",
		"FROM a\r\nRUN ls\r\n":                               "",
		"\ufeffFROM a\n":                                     "",
		"# escape=`\nFROM a\nRUN dir c:\\\n":                 "",
		"# a comment\n# escape=`\nFROM a\n":                  "",
		"# caf\xe9\nFROM a\n":                                "",
		"# check=skip=all\nFROM a\nRUN true\n":               "",
		"ARG V=1\nFROM a:$V\n":                               "",
		"FROM a\nRUN <<X\nls\nX\n":                           "",
		"FROM a\nRUN cat <<EOT \\\n && true\n":               "",
		"# syntax=example.com/f\nINCLUDE other\n":            "",
		"#syntax = f\nanything\n":                            "",
		"":                                                   "it is empty",
		"\ufeff# syntax=example.com/f\nARG V=1\n":            "there is no FROM",
		"# check=skip=all\n# escape=`\nARG V=1 \\\nFROM a\n": "line 2 is an escape directive",
		" \n\t\n":                           "it is empty",
		"# only a comment\n":                "no instructions",
		"ARG V=1":                           "there is no FROM",
		"ARG V=1\nARG W=2\n":                "there is no FROM",
		"RUN ls\n":                          "no build stage",
		"ARG V=15-3.5\rFROM x:$V\r":         "carriage return alone",
		"FROM a\nHELLO\n":                   "line 2: unknown instruction: HELLO",
		"FROM\n":                            "line 1",
		"FROM a\x00\n":                      "line 1 has a NUL byte",
		"FROM a\nRUN <<X\nls\nX\nHELLO\n":   "line 5: unknown instruction: HELLO",
		"ARG V=1\n# syntax=example.com/f\n": "there is no FROM",
		"# syntax=\nARG V\n":                "there is no FROM",
		"# any\n# syntax=example.com/f\nARG V=1\n":  "there is no FROM",
		"{\"syntax\": \"example.com/f\"}\nARG V=1 ": "unknown instruction",
	} {
		err := CheckSyntax([]byte(text), nil)
		if problem == "" && err != nil || problem != "" && (err == nil || !strings.Contains(err.Error(), problem)) {
			t.Errorf("%q: error %v, want one with %q", text, err, problem)
		}
	}
	if err := CheckSyntax([]byte("INCLUDE other\n"), map[string]string{"BUILDKIT_SYNTAX": "example.com/f"}); err != nil {
		t.Errorf("with a frontend by argument: %v", err)
	}
}

func FuzzCheckSyntax(f *testing.F) {
	for _, seed := range []string{"FROM a\n# check=skip=all\nRUN <<X\nls\nX\n", "ARG V=1\r", "# escape=`\nFROM a `\n AS b\n", "FROM a\nONBUILD RUN --mount=from=b ls\n", "# check=error=true\n# check=skip=x\nFROM a\nHEALTHCHECK --interval=1s CMD ls\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(_ *testing.T, text []byte) {
		_ = CheckSyntax(text, nil)
		_, _ = trigger(string(text))
		_, _ = External(text, linux)
	})
}
