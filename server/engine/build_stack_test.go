//go:build stack

package engine

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opensbs/sbs/server/builder"
)

func TestVersionNamesTheBuilder(t *testing.T) {
	each(t, func(t *testing.T, e *Engine) {
		v := e.Version()
		if v.Engine == "" || v.API == "" || v.OS != "linux" || v.Arch == "" || v.Builder != e.builder {
			t.Errorf("version %+v", v)
		}
	})
}

func TestOneFile(t *testing.T) {
	each(t, func(t *testing.T, e *Engine) {
		repo := repository(t, e, "127.0.0.1:1")
		dir := tree(t, map[string]string{"hello.txt": "hello", "Dockerfile": "FROM scratch\nCOPY hello.txt /\n"})
		r := request(dir, repo+":a")
		r.Tags = append(r.Tags, repo+":b")
		start := time.Now()
		built, output := mustBuild(t, e, r)
		t.Logf("built in %v", time.Since(start))
		if !strings.Contains(output, "COPY hello.txt") {
			t.Errorf("the output does not show the step:\n%s", output)
		}
		if len(built.Base) != 0 {
			t.Errorf("base images of an image from scratch: %v", built.Base)
		}
		for _, tag := range r.Tags {
			found, err := e.api.ImageInspect(t.Context(), tag)
			if err != nil || found.ID != built.ID {
				t.Errorf("%s is %s (%v), built was %s", tag, found.ID, err, built.ID)
			}
		}
		wantFiles(t, files(t, e, repo+":a"), map[string]string{"hello.txt": "hello"})
	})
}

func TestDockerfileAndContextFolders(t *testing.T) {
	cases := map[string]struct{ context, dockerfile, copied string }{
		"both at the top":             {"", "Dockerfile", "top"},
		"dockerfile in a folder":      {"", "docker/Dockerfile", "top"},
		"context in a folder":         {"sub", "Dockerfile", "sub"},
		"each in a folder of its own": {"sub", "docker/Dockerfile", "sub"},
	}
	each(t, func(t *testing.T, e *Engine) {
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				repo := repository(t, e, "127.0.0.1:1")
				dir := tree(t, map[string]string{
					"where": "top", "sub/where": "sub",
					c.dockerfile:    "FROM scratch\nCOPY . /\n",
					".dockerignore": "**/Dockerfile\nsub\ndocker\n.dockerignore\n",
				})
				mustBuild(t, e, BuildRequest{
					ContextDir: filepath.Join(dir, c.context),
					Dockerfile: filepath.Join(dir, c.dockerfile),
					Tags:       []string{repo + ":x"},
				})
				wantFiles(t, files(t, e, repo+":x"), map[string]string{"where": c.copied})
			})
		}
	})
}

func TestDockerignore(t *testing.T) {
	cases := map[string]struct{ files, want map[string]string }{
		"exceptions": {
			map[string]string{".dockerignore": "*\n!keep\nkeep/*.log\n", "keep/a": "1", "keep/b.log": "2", "drop": "3"},
			map[string]string{"keep/a": "1"},
		},
		"of the Dockerfile": {
			map[string]string{".dockerignore": "*", "Dockerfile.dockerignore": "drop\nDockerfile*\n.dockerignore\n", "a": "1", "drop": "2"},
			map[string]string{"a": "1"},
		},
		"none": {
			map[string]string{"a": "1"},
			map[string]string{"a": "1", "Dockerfile": "FROM scratch\nCOPY . /\n"},
		},
	}
	each(t, func(t *testing.T, e *Engine) {
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				repo := repository(t, e, "127.0.0.1:1")
				content := maps.Clone(c.files)
				content["Dockerfile"] = "FROM scratch\nCOPY . /\n"
				mustBuild(t, e, request(tree(t, content), repo+":x"))
				wantFiles(t, files(t, e, repo+":x"), c.want)
			})
		}
	})
}

func TestLinksInTheContextStayLinks(t *testing.T) {
	each(t, func(t *testing.T, e *Engine) {
		repo := repository(t, e, "127.0.0.1:1")
		dir := tree(t, map[string]string{"d/a": "1", "Dockerfile": "FROM scratch\nCOPY d /d\n"})
		for link, target := range map[string]string{"inside": "a", "outside": "/etc/hostname", "nowhere": "../../no"} {
			if err := os.Symlink(target, filepath.Join(dir, "d", link)); err != nil {
				t.Fatal(err)
			}
		}
		mustBuild(t, e, request(dir, repo+":x"))
		wantFiles(t, files(t, e, repo+":x"), map[string]string{
			"d/a": "1", "d/inside": "-> a", "d/outside": "-> /etc/hostname", "d/nowhere": "-> ../../no",
		})
	})
}

func TestStagesAndArgs(t *testing.T) {
	each(t, func(t *testing.T, e *Engine) {
		repo := repository(t, e, "127.0.0.1:1")
		base(t, e, repo+":base")
		dir := tree(t, map[string]string{"Dockerfile": `ARG BASE
FROM ${BASE} AS first
ARG WORD
RUN echo $WORD > /word
FROM scratch
COPY --from=first /word /
COPY --from=` + repo + `:base /bin/sh /shell
`})
		r := request(dir, repo+":x")
		r.Args = map[string]string{"BASE": repo + ":base", "WORD": "given"}
		built, _ := mustBuild(t, e, r)
		want := []builder.BaseImage{{Reference: repo + ":base"}} // it is in the Engine's own store only
		if !slices.Equal(built.Base, want) {
			t.Errorf("base images %v, want %v", built.Base, want)
		}
		if got := files(t, e, repo+":x")["word"]; got != "given\n" {
			t.Errorf("the step saw %q", got)
		}
	})
}

func TestFailingStepIsNamed(t *testing.T) {
	each(t, func(t *testing.T, e *Engine) {
		repo := repository(t, e, "127.0.0.1:1")
		base(t, e, repo+":base")
		mark := rand.Text()
		dir := tree(t, map[string]string{"Dockerfile": "FROM " + repo + ":base\nRUN echo " + mark + " > /one\nRUN echo said; exit 7\n"})
		var output bytes.Buffer
		_, err := e.Build(t.Context(), request(dir, repo+":x"), &output)
		if err == nil || !strings.Contains(err.Error(), "RUN echo said; exit 7") || !strings.Contains(err.Error(), "code: 7") {
			t.Errorf("the error does not name step and exit code: %v", err)
		}
		if errors.Is(err, ErrUnauthorized) {
			t.Errorf("a failing step is mistaken for refused credentials: %v", err)
		}
		if !strings.Contains(output.String(), "said\n") {
			t.Errorf("the output lacks what the step said:\n%s", &output)
		}
		if left := traces(t, e, mark); len(left) > 0 {
			t.Errorf("the failed build left %v", left)
		}
	})
}

func TestRebuildLeavesNoUntaggedImage(t *testing.T) {
	each(t, func(t *testing.T, e *Engine) {
		repo := repository(t, e, "127.0.0.1:1")
		base(t, e, repo+":base")
		mark := rand.Text()
		dir := tree(t, map[string]string{"Dockerfile": "FROM " + repo + ":base AS a\nRUN echo " + mark + " > /1\n" +
			"FROM " + repo + ":base\nRUN echo " + mark + " > /2\nCOPY --from=a /1 /\n"})
		old, _ := mustBuild(t, e, request(dir, repo+":x"))
		before := traces(t, e, mark)
		built, _ := mustBuild(t, e, request(dir, repo+":x"))
		if old.ID == built.ID {
			t.Fatal("the second build took the first one's image")
		}
		if after := traces(t, e, mark); len(after) != len(before) {
			t.Errorf("before %v, after %v", before, after)
		}
		if err := e.RemoveTagged(t.Context(), repo); err != nil {
			t.Error(err)
		}
		if left := traces(t, e, mark); len(left) > 0 {
			t.Errorf("without its tag the image left %v", left)
		}
	})
}

func TestHostIsNotAccessible(t *testing.T) {
	host, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	go func() { // lets a step that gets through end
		for conn, err := host.Accept(); err == nil; conn, err = host.Accept() {
			conn.Close()
		}
	}()
	_, port, err := net.SplitHostPort(host.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	// Each step with what the two builders say to it.
	cases := map[string]struct{ step, buildkit, classic string }{
		"host network":        {"RUN --network=host true", "network", "network"},
		"security mode":       {"RUN --security=insecure true", "security", "security"},
		"secret":              {"RUN --mount=type=secret,id=s,required true", "secret s not found", "requires BuildKit"},
		"ssh agent":           {"RUN --mount=type=ssh,required true", "no SSH key", "requires BuildKit"},
		"engine socket":       {"RUN test -e /var/run/docker.sock || exit 42", "code: 42", "code: 42"},
		"service on loopback": {"RUN nc -w 1 127.0.0.1 " + port + " </dev/null || exit 42", "code: 42", "code: 42"},
	}
	each(t, func(t *testing.T, e *Engine) {
		repo := repository(t, e, "127.0.0.1:1")
		base(t, e, repo+":base")
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				dir := tree(t, map[string]string{"Dockerfile": "FROM " + repo + ":base\n" + c.step + "\n"})
				_, err := e.Build(t.Context(), request(dir, repo+":x"), io.Discard)
				says := c.buildkit
				if e.builder == Classic {
					says = c.classic
				}
				if err == nil || !strings.Contains(err.Error(), says) {
					t.Errorf("error %v, want one with %q", err, says)
				}
			})
		}
	})
}

func TestOutputThatFailsIsReported(t *testing.T) {
	each(t, func(t *testing.T, e *Engine) {
		repo := repository(t, e, "127.0.0.1:1")
		reader, writer := io.Pipe()
		full := errors.New("disk full")
		reader.CloseWithError(full)
		dir := tree(t, map[string]string{"Dockerfile": "FROM scratch\nCOPY Dockerfile /\n"})
		if _, err := e.Build(t.Context(), request(dir, repo+":x"), writer); !errors.Is(err, full) {
			t.Errorf("error %v", err)
		}
	})
}
