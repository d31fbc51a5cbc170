package tree

import (
	"bytes"
	"compress/flate"
	"io"
	"os"
	"strings"
	"testing"
)

func TestText(t *testing.T) {
	text := Text(7, 100_000)
	if text != Text(7, 100_000) || text == Text(8, 100_000) || len(text) != 100_000 {
		t.Fatal("a seed must always give the same text, of the requested size")
	}
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, 9)
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	if err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	if packed.Len() < 10_000 || packed.Len() > 50_000 {
		t.Errorf("100,000 bytes are compressed to %d", packed.Len())
	}
}

func TestMixed(t *testing.T) {
	files, err := Mixed(t.TempDir(), 20, 400)
	if err != nil {
		t.Fatal(err)
	}
	large, service, size := 0, 0, 0
	for name, file := range files {
		if strings.HasPrefix(name, "service/") {
			service++
		}
		if file.From == "" {
			size += len(file.Content)
			continue
		}
		large++
		if info, err := os.Stat(file.From); err != nil || info.Size() != largeSize {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if len(files) != 420 || large != 20 || service != 42 || size != 400*textSize {
		t.Errorf("%d files, %d of them large, %d in service, %d bytes of text", len(files), large, service, size)
	}
}

func TestWriteHistory(t *testing.T) {
	var stream strings.Builder
	if err := WriteHistory(&stream, 3); err != nil {
		t.Fatal(err)
	}
	text := stream.String()
	if commits := strings.Count(text, "\ncommitter "); commits != 3 {
		t.Errorf("%d commits", commits)
	}
	if changes := strings.Count(text, "\nM 100644 inline "); changes != historyFiles+2 {
		t.Errorf("%d files are written", changes)
	}
	if !strings.Contains(text, "\nM 100644 inline src/2/2.txt\ndata "+"6013\n") || !strings.HasSuffix(text, "changed by 2\n\n\n") {
		t.Errorf("the stream ends with %q", text[len(text)-100:])
	}
}
