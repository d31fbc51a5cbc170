package gitstore

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"
)

// However a host ends the connection, the error names that as the cause.
func TestEndOfPackIsExplained(t *testing.T) {
	for _, end := range []error{
		io.EOF, io.ErrUnexpectedEOF, fmt.Errorf("read tcp: %w", syscall.ECONNRESET), fmt.Errorf("write tcp: %w", syscall.EPIPE),
	} {
		if err := explainEnd(end); !errors.Is(err, end) || !strings.Contains(err.Error(), "the git host broke off") {
			t.Errorf("%v becomes %v", end, err)
		}
	}
	other := errors.New("no pack")
	if err := explainEnd(other); !errors.Is(err, other) || strings.Contains(err.Error(), "broke off") {
		t.Errorf("%v becomes %v", other, err)
	}
	_, err := newPackReader(strings.NewReader("")).count()
	if err == nil || !strings.Contains(explainEnd(err).Error(), "the git host broke off") {
		t.Errorf("no pack at all is %v", err)
	}
}
