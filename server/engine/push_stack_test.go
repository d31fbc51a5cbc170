//go:build stack

package engine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"go.uber.org/goleak"
)

// asRegistryTells is the digest and the size of the manifest as the registry
// has them.
func asRegistryTells(t *testing.T, tag string) Pushed {
	t.Helper()
	ref, err := name.ParseReference(tag, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Transport{}
	defer client.CloseIdleConnections()
	found, err := remote.Head(ref, remote.WithAuth(&authn.Basic{Username: testUser, Password: testPassword}), remote.WithTransport(client))
	if err != nil {
		t.Fatal(err)
	}
	return Pushed{Digest: found.Digest.String(), Size: found.Size}
}

func TestPush(t *testing.T) {
	e := connect(t, BuildKit)
	host := registry(t, testPassword)
	repo := repository(t, e, host)
	base(t, e, repo+":x")
	if err := e.Tag(t.Context(), repo+":x", repo+":latest"); err != nil {
		t.Fatal(err)
	}
	var output bytes.Buffer
	start := time.Now()
	pushed, err := e.Push(t.Context(), repo+":x", Registry{host, testUser, testPassword}, &output)
	t.Logf("pushed in %v", time.Since(start))
	if err != nil {
		t.Fatal(err)
	}
	if want := asRegistryTells(t, repo+":x"); pushed != want {
		t.Errorf("pushed %v, the registry has %v", pushed, want)
	}
	lines := strings.Split(strings.TrimSpace(output.String()), "\n")
	if len(slices.Compact(slices.Sorted(slices.Values(lines)))) != len(lines) || !strings.Contains(output.String(), ": Pushed\n") {
		t.Errorf("output:\n%s", &output)
	}
	start = time.Now()
	second, err := e.Push(t.Context(), repo+":latest", Registry{host, testUser, testPassword}, io.Discard)
	t.Logf("second tag pushed in %v", time.Since(start))
	if err != nil || second != pushed {
		t.Errorf("second tag: %v (%v), first %v", second, err, pushed)
	}
}

func TestPushThatFails(t *testing.T) {
	e := connect(t, BuildKit)
	host := registry(t, testPassword)
	repo := repository(t, e, host)
	base(t, e, repo+":x")
	gone := repository(t, e, closedPort(t))
	if err := e.Tag(t.Context(), repo+":x", gone+":x"); err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		tag          string
		credentials  Registry
		unauthorized bool
		says         string
	}{
		"wrong password":     {repo + ":x", Registry{host, testUser, "wrong"}, true, "unauthorized"},
		"no password":        {repo + ":x", Registry{}, true, "credentials"},
		"another registry's": {repo + ":x", Registry{"other.example", testUser, testPassword}, false, `not for "` + host},
		"no registry":        {gone + ":x", Registry{}, false, "connection refused"},
		"no image":           {repo + ":absent", Registry{}, false, "does not exist"},
		"an ID, not a tag":   {"sha256:" + strings.Repeat("0", 64), Registry{}, false, "not of the form"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := e.Push(t.Context(), c.tag, c.credentials, io.Discard)
			if err == nil {
				t.Fatal("pushed")
			}
			if errors.Is(err, ErrUnauthorized) != c.unauthorized {
				t.Errorf("ErrUnauthorized is %v in %v", !c.unauthorized, err)
			}
			if text := err.Error(); !strings.Contains(text, c.says) || strings.Contains(text, testPassword) {
				t.Errorf("error %q", text)
			}
		})
	}
}

// closedPort gives an address of this machine where nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestCancelDuringAPush(t *testing.T) {
	e := connect(t, BuildKit)
	asked := make(chan struct{}, 100)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done() // a registry that never answers
	}))
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	repo := repository(t, e, strings.TrimPrefix(server.URL, "http://"))
	base(t, e, repo+":x")
	goroutines := goleak.IgnoreCurrent()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := e.Push(ctx, repo+":x", Registry{}, io.Discard)
		done <- err
	}()
	<-asked
	start := time.Now()
	cancel()
	err := <-done
	if took := time.Since(start); took > time.Second {
		t.Errorf("the push took %v to end", took)
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if err := e.api.Close(); err != nil {
		t.Error(err)
	}
	server.CloseClientConnections()
	goleak.VerifyNone(t, goroutines)
}

func TestPrivateBase(t *testing.T) {
	dockerfiles := map[string]string{
		"by tag":      "FROM {base}\nRUN echo 1 > /1\n",
		"by digest":   "FROM {base}@{digest}\nRUN echo 1 > /1\n",
		"only copied": "FROM scratch\nCOPY --from={base} /bin/sh /\n",
	}
	each(t, func(t *testing.T, e *Engine) {
		for name, dockerfile := range dockerfiles {
			t.Run(name, func(t *testing.T) {
				host := registry(t, testPassword)
				right := Registry{host, testUser, testPassword}
				repo := repository(t, e, host)
				digest := onlyInRegistry(t, e, repo+":base", right)
				fill := strings.NewReplacer("{base}", repo+":base", "{digest}", digest)
				dir := tree(t, map[string]string{"Dockerfile": fill.Replace(dockerfile)})
				r := request(dir, repository(t, e, host)+":x")

				refused := map[string][]Registry{
					"wrong password":  {{host, testUser, "wrong"}},
					"no credentials":  nil,
					"of another host": {{"other.example", testUser, testPassword}},
				}
				for kind, registries := range refused {
					r.Registries = registries
					if _, err := e.Build(t.Context(), r, io.Discard); !errors.Is(err, ErrUnauthorized) {
						t.Errorf("%s: error %v", kind, err)
					}
				}
				r.Registries = []Registry{{"other.example", "other", "other"}, right}
				built, _ := mustBuild(t, e, r)
				want := []BaseImage{{repo + ":base", digest}}
				if reports := name == "by digest" || name == "by tag" && e.builder == BuildKit; !reports {
					want[0].Digest = "" // nothing but the builder's own report counts
				}
				if !slices.Equal(built.Base, want) {
					t.Errorf("base images %v, want %v", built.Base, want)
				}
			})
		}
	})
}

// onlyInRegistry makes a base image that is in the registry and not in the
// Engine's own store, and gives its digest.
func onlyInRegistry(t *testing.T, e *Engine, tag string, credentials Registry) string {
	t.Helper()
	base(t, e, tag)
	pushed, err := e.Push(t.Context(), tag, credentials, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Remove(t.Context(), tag); err != nil {
		t.Fatal(err)
	}
	return pushed.Digest
}

func TestRemoveTouchesOnlyWhatIsNamed(t *testing.T) {
	e := connect(t, BuildKit)
	one, other := repository(t, e, "127.0.0.1:1"), repository(t, e, "127.0.0.1:1")
	base(t, e, one+":x")
	if err := e.Tag(t.Context(), one+":x", one+":y", other+":x"); err != nil {
		t.Fatal(err)
	}
	exists := func(tag string) bool {
		_, err := e.api.ImageInspect(t.Context(), tag)
		return err == nil
	}
	found, err := e.api.ImageInspect(t.Context(), one+":x")
	if err != nil {
		t.Fatal(err)
	}
	short := strings.TrimPrefix(found.ID, "sha256:")[:12]
	for _, wrong := range []string{short, found.ID, one, one + "@" + found.ID} {
		if err := e.Remove(t.Context(), wrong); err == nil {
			t.Errorf("Remove took %q", wrong)
		}
	}
	if err := e.Remove(t.Context(), one+":absent", one+":y"); err != nil {
		t.Error(err)
	}
	if !exists(one+":x") || exists(one+":y") {
		t.Error("Remove of :y: wrong tags are left")
	}
	if err := e.RemoveTagged(t.Context(), one); err != nil {
		t.Error(err)
	}
	if exists(one+":x") || !exists(other+":x") {
		t.Error("RemoveTagged: wrong tags are left")
	}
	if err := e.RemoveTagged(t.Context(), other); err != nil {
		t.Error(err)
	}
	if exists(found.ID) {
		t.Error("the image is still there without a tag")
	}
}
