//go:build stack

package engine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func TestSave(t *testing.T) {
	e := connect(t, BuildKit)
	repo := repository(t, e, "localhost")
	base(t, e, repo+":x")
	var archive bytes.Buffer
	if err := e.Save(t.Context(), repo+":x", &archive, 1<<30); err != nil {
		t.Fatal(err)
	}
	saved, err := tarball.Image(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive.Bytes())), nil }, nil)
	if err != nil {
		t.Fatal(err)
	}
	layers, err := saved.Layers()
	if err != nil || len(layers) != 1 {
		t.Errorf("%d layers, %v", len(layers), err)
	}

	t.Run("without layers", func(t *testing.T) {
		dir := tree(t, map[string]string{"Dockerfile": "FROM scratch\nLABEL a=b\nENV C=d\nENTRYPOINT [\"/e\"]\n"})
		mustBuild(t, e, request(dir, repo+":labels"))
		var archive bytes.Buffer
		if err := e.Save(t.Context(), repo+":labels", &archive, 1<<30); err != nil {
			t.Fatal(err)
		}
		// The Engine itself is the reference: it loads what it can't save.
		if err := e.Remove(t.Context(), repo+":labels"); err != nil {
			t.Fatal(err)
		}
		response, err := e.api.ImageLoad(t.Context(), &archive)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(io.Discard, response.Body)
		if err := errors.Join(err, response.Body.Close()); err != nil {
			t.Fatal(err)
		}
		found, err := e.api.ImageInspect(t.Context(), repo+":labels")
		if err != nil || found.Config.Labels["a"] != "b" || len(found.Config.Env) == 0 || len(found.Config.Entrypoint) != 1 || len(found.RootFS.Layers) != 0 {
			t.Errorf("%+v, %v", found.Config, err)
		}
	})
	t.Run("too large", func(t *testing.T) {
		var cut bytes.Buffer
		if err := e.Save(t.Context(), repo+":x", &cut, 1000); !errors.Is(err, ErrTooLarge) || cut.Len() > 1001 {
			t.Errorf("%d bytes, %v", cut.Len(), err)
		}
	})
	t.Run("just large enough", func(t *testing.T) {
		if err := e.Save(t.Context(), repo+":x", io.Discard, int64(archive.Len())); err != nil {
			t.Error(err)
		}
	})
	t.Run("no such image", func(t *testing.T) {
		if err := e.Save(t.Context(), repo+":none", io.Discard, 1<<30); err == nil {
			t.Error("saved")
		}
	})
	t.Run("no tag", func(t *testing.T) {
		if err := e.Save(t.Context(), repo, io.Discard, 1<<30); err == nil {
			t.Error("saved")
		}
	})
	t.Run("a writer that fails", func(t *testing.T) {
		full := errors.New("disk full")
		if err := e.Save(t.Context(), repo+":x", failing{full}, 1<<30); !errors.Is(err, full) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("the context ends", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		stopped := errors.New("stopped by clean")
		began := make(chan struct{})
		ended := make(chan error, 1)
		go func() { ended <- e.Save(ctx, repo+":x", &stuck{ctx: ctx, began: began}, 1<<30) }()
		<-began
		cancel(stopped)
		select {
		case err := <-ended:
			if !errors.Is(err, stopped) {
				t.Errorf("error %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("it goes on")
		}
	})
}

type failing struct{ error }

func (f failing) Write([]byte) (int, error) { return 0, f.error }

// stuck is a writer whose first write lasts until its context ends.
type stuck struct {
	ctx   context.Context
	began chan struct{}
}

func (s *stuck) Write(p []byte) (int, error) {
	if s.began != nil {
		close(s.began)
		s.began = nil
		<-s.ctx.Done()
	}
	return len(p), nil
}
