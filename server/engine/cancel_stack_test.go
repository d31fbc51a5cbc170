//go:build stack

package engine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"go.uber.org/goleak"
)

// traces lists the containers and images of the Engine in whose making the mark
// took part. Other tests may be using the same Engine.
func traces(t *testing.T, e *Engine, mark string) []string {
	t.Helper()
	var found []string
	containers, err := e.api.ContainerList(context.Background(), container.ListOptions{All: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range containers {
		if strings.Contains(c.Command, mark) {
			found = append(found, "container "+c.ID)
		}
	}
	images, err := e.api.ImageList(context.Background(), image.ListOptions{All: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range images {
		history, err := e.api.ImageHistory(context.Background(), i.ID)
		if errdefs.IsNotFound(err) {
			continue // another test's, removed meanwhile
		}
		if err != nil {
			t.Fatal(err)
		}
		marked := func(h image.HistoryResponseItem) bool { return strings.Contains(h.CreatedBy, mark) }
		if slices.ContainsFunc(history, marked) {
			found = append(found, "image "+i.ID)
		}
	}
	return found
}

// running reports whether a process of this machine has the argument.
func running(t *testing.T, argument string) bool {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range lines {
		line, err := os.ReadFile(path)
		if err != nil {
			continue // ended meanwhile
		}
		for _, arg := range bytes.Split(line, []byte{0}) {
			if string(arg) == argument {
				return true
			}
		}
	}
	return false
}

func TestCancelDuringAStepLeavesNothing(t *testing.T) {
	each(t, func(t *testing.T, e *Engine) {
		repo := repository(t, e, "127.0.0.1:1")
		base(t, e, repo+":base")
		goroutines := goleak.IgnoreCurrent()
		seconds := strconv.Itoa(1e6 + rand.IntN(1e6))
		dir := tree(t, map[string]string{"Dockerfile": "FROM " + repo + ":base\nRUN echo " + seconds + " > /1\nRUN sleep " + seconds + "\n"})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			_, err := e.Build(ctx, request(dir, repo+":x"), io.Discard)
			done <- err
		}()
		eventually(t, "the step runs", func() bool { return running(t, seconds) })
		start := time.Now()
		cancel()
		err := <-done
		took := time.Since(start)
		t.Logf("returned after %v", took)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		if took > time.Second {
			t.Errorf("the build took %v to end", took)
		}
		if err := e.api.Close(); err != nil { // idle connections have goroutines
			t.Error(err)
		}
		goleak.VerifyNone(t, goroutines)
		eventually(t, "the step's process is gone", func() bool { return !running(t, seconds) })
		eventually(t, "containers and images are gone", func() bool { return len(traces(t, e, seconds)) == 0 })
	})
}
