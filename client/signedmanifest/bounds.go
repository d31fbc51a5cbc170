package signedmanifest

import (
	"fmt"
	"io"

	"github.com/opensbs/sbs/api/manifest"
)

// Archives can be made that are a few bytes long and never end: what comes out
// of them is counted.

type boundedReader struct {
	io.Reader
	left int64
}

func (r *boundedReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if r.left -= int64(n); r.left < 0 {
		return n, tooLong()
	}
	return n, err
}

type boundedWriter struct {
	io.Writer
	left int64
}

func (w *boundedWriter) Write(p []byte) (int, error) {
	if w.left -= int64(len(p)); w.left < 0 {
		return 0, tooLong()
	}
	return w.Writer.Write(p)
}

func tooLong() error {
	return fmt.Errorf("%w: it is longer than %d bytes", manifest.ErrFormat, int64(maxArchive))
}
