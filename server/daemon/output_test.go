package daemon

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestOutput(t *testing.T) {
	var log bytes.Buffer
	keep := func(_ []string, attribute slog.Attr) slog.Attr {
		if attribute.Key != "line" {
			return slog.Attr{}
		}
		return attribute
	}
	o := newOutput(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: keep})), "daemon")
	long := strings.Repeat("x", 2*maxLine)
	for _, piece := range []string{"fir", "st\n\nsecond\nth", "ird\n", long, long + "\nlast\n", "without an end"} {
		if n, err := o.Write([]byte(piece)); err != nil || n != len(piece) {
			t.Fatalf("Write: %d, %v, want %d", n, err, len(piece))
		}
	}
	want := "line=first\nline=second\nline=third\nline=" + long[:maxLine] + "\nline=last\n"
	if log.String() != want {
		t.Errorf("logged:\n%.200q\nwant:\n%.200q", log.String(), want)
	}
}
