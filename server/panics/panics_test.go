package panics

import (
	"errors"
	"strings"
	"testing"
)

func TestCatch(t *testing.T) {
	failed := errors.New("failed")
	if err := Catch(func() error { return failed }); err != failed { //nolint:errorlint // the same one
		t.Errorf("got %v", err)
	}
	if err := Catch(func() error { return nil }); err != nil {
		t.Errorf("got %v", err)
	}
	err := Catch(func() error {
		var none []int
		_ = none[3]
		return nil
	})
	var caught *Error
	if !errors.As(err, &caught) || !strings.Contains(err.Error(), "index out of range") || !strings.Contains(string(caught.Stack), "TestCatch") {
		t.Errorf("got %v", err)
	}
}
