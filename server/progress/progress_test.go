package progress

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestSilenceEndsTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := WithTimeout(t.Context(), time.Minute, "the git host")
		defer cancel()
		for range 10 {
			time.Sleep(59 * time.Second)
			Report(ctx)
		}
		if err := ctx.Err(); err != nil {
			t.Fatalf("with progress each 59 seconds: %v", err)
		}
		time.Sleep(61 * time.Second)
		var stalled *Stalled
		if cause := context.Cause(ctx); !errors.As(cause, &stalled) || stalled.Peer != "the git host" || stalled.Timeout != time.Minute {
			t.Errorf("after 61 silent seconds the cause is %v", cause)
		}
		if ctx.Err() == nil {
			t.Error("the context did not end")
		}
		Report(ctx) // must not set the clock again
		synctest.Wait()
	})
}

func TestReadersWritersAndDerivedContextsReport(t *testing.T) {
	reports := map[string]func(ctx context.Context) error{
		"reader": func(ctx context.Context) error {
			_, err := Reader(ctx, strings.NewReader("x")).Read(make([]byte, 1))
			return err
		},
		"writer": func(ctx context.Context) error {
			_, err := Writer(ctx, io.Discard).Write([]byte("x"))
			return err
		},
		"derived": func(ctx context.Context) error {
			derived, cancel := context.WithCancel(ctx)
			defer cancel()
			Report(derived)
			return nil
		},
		"inner timeout": func(ctx context.Context) error {
			inner, cancel := WithTimeout(ctx, time.Hour, "inner")
			defer cancel()
			Report(inner)
			return nil
		},
	}
	for name, report := range reports {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := WithTimeout(t.Context(), time.Minute, "the registry")
				defer cancel()
				time.Sleep(40 * time.Second)
				if err := report(ctx); err != nil {
					t.Fatal(err)
				}
				time.Sleep(40 * time.Second)
				if err := ctx.Err(); err != nil {
					t.Errorf("ended in spite of progress: %v", context.Cause(ctx))
				}
			})
		})
	}
}

func TestReadsOfNothingAreNoProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := WithTimeout(t.Context(), time.Minute, "the builder")
		defer cancel()
		time.Sleep(40 * time.Second)
		_, _ = Reader(ctx, &bytes.Buffer{}).Read(make([]byte, 1))
		time.Sleep(40 * time.Second)
		if ctx.Err() == nil {
			t.Error("a read of nothing counted as progress")
		}
	})
}

func TestWithoutATimeoutOnlyTheParentEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		parent, end := context.WithCancelCause(t.Context())
		ctx, cancel := WithTimeout(parent, 0, "the builder")
		defer cancel()
		time.Sleep(1000 * time.Hour)
		Report(ctx)
		if ctx.Err() != nil {
			t.Fatal("ended by itself")
		}
		gone := errors.New("gone")
		end(gone)
		<-ctx.Done()
		if cause := context.Cause(ctx); !errors.Is(cause, gone) {
			t.Errorf("the cause is %v", cause)
		}
	})
}
