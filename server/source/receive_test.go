package source

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"

	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

// TestBrokenOff: whichever way a host goes away in, the cause says that it did.
func TestBrokenOff(t *testing.T) {
	for _, end := range []error{
		packfile.ErrEmptyPackfile, io.ErrUnexpectedEOF, fmt.Errorf("read tcp: %w", syscall.ECONNRESET), fmt.Errorf("write tcp: %w", syscall.EPIPE),
	} {
		if err := brokenOff(end); !errors.Is(err, end) || !strings.Contains(err.Error(), "the git host broke off") {
			t.Errorf("%v becomes %v", end, err)
		}
	}
	if err := brokenOff(packfile.ErrBadSignature); !errors.Is(err, packfile.ErrBadSignature) || strings.Contains(err.Error(), "broke off") {
		t.Errorf("a pack that is no pack becomes %v", err)
	}
	_, _, err := packfile.NewScanner(strings.NewReader("")).Header()
	if !strings.Contains(brokenOff(err).Error(), "the git host broke off") {
		t.Errorf("no pack at all is %v", err)
	}
}
