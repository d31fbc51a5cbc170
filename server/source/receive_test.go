package source

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"
)

// TestBrokenOff: whichever way a host goes away in, the cause says that it did.
func TestBrokenOff(t *testing.T) {
	for _, end := range []error{
		io.EOF, io.ErrUnexpectedEOF, fmt.Errorf("read tcp: %w", syscall.ECONNRESET), fmt.Errorf("write tcp: %w", syscall.EPIPE),
	} {
		if err := brokenOff(end); !errors.Is(err, end) || !strings.Contains(err.Error(), "the git host broke off") {
			t.Errorf("%v becomes %v", end, err)
		}
	}
	other := errors.New("no pack")
	if err := brokenOff(other); !errors.Is(err, other) || strings.Contains(err.Error(), "broke off") {
		t.Errorf("%v becomes %v", other, err)
	}
	_, err := newPackReader(strings.NewReader("")).count()
	if err == nil || !strings.Contains(brokenOff(err).Error(), "the git host broke off") {
		t.Errorf("no pack at all is %v", err)
	}
}
