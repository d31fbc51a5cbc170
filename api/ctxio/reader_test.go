package ctxio

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestReader(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	reader := Reader(ctx, strings.NewReader("text"))
	if got, err := io.ReadAll(reader); err != nil || string(got) != "text" {
		t.Fatalf("read %q, %v", got, err)
	}
	cause := errors.New("stopped")
	cancel(cause)
	if n, err := Reader(ctx, strings.NewReader("text")).Read(make([]byte, 4)); n != 0 || !errors.Is(err, cause) {
		t.Errorf("after the end of the context: %d bytes, %v", n, err)
	}
}
