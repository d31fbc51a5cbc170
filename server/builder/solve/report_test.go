package solve

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	buildkit "github.com/moby/buildkit/client"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/opensbs/sbs/server/builder"
)

const someDigest = "sha256:6bc1788d2f49d4222cd6c77eff5134c829fea4d442c4f1b54b2d8a82295806c7"

func TestBaseOfVertex(t *testing.T) {
	cases := map[string]string{
		"[1/2] FROM docker.io/library/alpine:3.20@" + someDigest:     "docker.io/library/alpine:3.20@" + someDigest,
		"[first 1/2] FROM registry.example:5000/a@" + someDigest:     "registry.example:5000/a@" + someDigest,
		"[linux/s390x stage-1 1/3] FROM docker.io/library/x:y":       "docker.io/library/x:y",
		"FROM docker.io/library/busybox:latest":                      "docker.io/library/busybox:latest",
		"docker-image://docker.io/docker/dockerfile:1@" + someDigest: "docker.io/docker/dockerfile:1@" + someDigest,
		"FROM scratch":                                               "",
		"[2/2] RUN echo FROM evil":                                   "",
		"[2/2] RUN <<EOF (FROM evil)":                                "",
		"[stage-1 2/3] COPY --from=first /word /":                    "",
		"[internal] load metadata for docker.io/library/alpine:3.20": "",
		"[2/2] RUN [1/2] FROM evil":                                  "",
		"[1/2] FROM a b":                                             "",
		"[1/2] FROM a\nFROM b":                                       "",
		"":                                                           "",
	}
	for name, want := range cases {
		got, ok := baseOfVertex(name)
		if got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v; want %q", name, got, ok, want)
		}
	}
}

func FuzzBaseOfVertex(f *testing.F) {
	f.Add("[1/2] FROM docker.io/library/alpine:3.20")
	f.Add("[2/2] RUN echo FROM x")
	f.Fuzz(func(t *testing.T, name string) {
		base, ok := baseOfVertex(name)
		if ok && (base == "" || strings.ContainsAny(base, " \t\r\n") || strings.Contains(name, "] RUN ")) {
			t.Errorf("%q is mistaken for base image %q", name, base)
		}
	})
}

func TestReport(t *testing.T) {
	var r Report
	for _, vertex := range []*buildkit.Vertex{
		{Name: "[1/3] FROM docker.io/library/a:1"},
		{Name: "[1/3] FROM docker.io/library/a:1"},
		{Name: "FROM docker.io/library/b:1"},
		{Name: "[2/3] RUN other", Error: "context canceled"},
		{Name: "[3/3] RUN false", Error: "exit code: 1"},
		{Name: "[4/4] RUN later", Error: "exit code: 2"},
	} {
		r.read(&buildkit.SolveStatus{Vertexes: []*buildkit.Vertex{vertex}})
	}
	if want := []string{"docker.io/library/a:1", "docker.io/library/b:1"}; !slices.Equal(r.Base, want) {
		t.Errorf("base images %v, want %v", r.Base, want)
	}
	cause := errors.New("exit code: 1")
	err := r.Explain(cause, builder.ErrStopped)
	if !errors.Is(err, cause) || !strings.Contains(err.Error(), "[3/3] RUN false") {
		t.Errorf("error %v", err)
	}
}

// TestStoppedBuilder checks that the error distinguishes a builder that stopped from a
// step that can't reach a server.
func TestStoppedBuilder(t *testing.T) {
	gone := fmt.Errorf("failed to receive status: %w", status.Error(codes.Unavailable, "error reading from server: EOF"))
	for name, test := range map[string]struct {
		failed string
		err    error
		want   bool
	}{
		"gone":           {"", gone, true},
		"a step failed":  {"[2/2] RUN false", gone, false},
		"another reason": {"", status.Error(codes.Unknown, "no such frontend"), false},
	} {
		t.Run(name, func(t *testing.T) {
			r := Report{Failed: test.failed}
			if err := r.Explain(test.err, builder.ErrStopped); errors.Is(err, builder.ErrStopped) != test.want || !errors.Is(err, test.err) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}
