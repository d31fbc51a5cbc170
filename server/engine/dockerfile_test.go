package engine

import (
	"slices"
	"testing"
)

func TestExternalImages(t *testing.T) {
	cases := map[string]struct {
		dockerfile string
		args       map[string]string
		want       []string
	}{
		"scratch":          {"FROM scratch\nCOPY a /\n", nil, nil},
		"one":              {"FROM alpine:3.20\n", nil, []string{"alpine:3.20"}},
		"stages":           {"FROM a AS Build\nFROM build\nFROM b\nCOPY --from=BUILD /x /\nCOPY --from=0 /x /\n", nil, []string{"a", "b"}},
		"copied":           {"FROM a\nCOPY --from=c:1 /x /\nCOPY --from=c:1 /y /\n", nil, []string{"a", "c:1"}},
		"a later stage":    {"FROM a\nCOPY --from=late /x /\nFROM b AS late\n", nil, []string{"a", "late", "b"}},
		"argument":         {"ARG V=1\nARG I=a:${V}\nFROM $I\n", nil, []string{"a:1"}},
		"argument given":   {"ARG V=1\nFROM a:$V\n", map[string]string{"V": "2"}, []string{"a:2"}},
		"default in place": {"ARG V\nFROM a:${V:-3}\n", nil, []string{"a:3"}},
		"not declared":     {"FROM a:${V:-3}\n", map[string]string{"V": "2"}, []string{"a:3"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := externalImages([]byte(c.dockerfile), c.args)
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%q (%v), want %q", got, err, c.want)
			}
		})
	}
}

func TestDockerfileThatIsNone(t *testing.T) {
	for _, text := range []string{"", "hello\n", "FROM\n", "RUN x\n", "FROM ${x\n"} {
		if got, err := externalImages([]byte(text), nil); err == nil {
			t.Errorf("%q gave %q", text, got)
		}
	}
}

func FuzzExternalImages(f *testing.F) {
	f.Add([]byte("ARG V=1\nFROM a:$V AS b\nCOPY --from=c /x /\n"))
	f.Fuzz(func(t *testing.T, dockerfile []byte) {
		names, err := externalImages(dockerfile, map[string]string{"V": "2"})
		if err == nil && slices.Contains(names, "scratch") {
			t.Errorf("scratch is no image: %q", names)
		}
	})
}
