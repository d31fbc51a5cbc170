package dct

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"
	"github.com/theupdateframework/notary/tuf/signed"
)

func TestExplain(t *testing.T) {
	plain := errors.New("something else")
	for name, test := range map[string]struct {
		given error
		want  error // of the same type
	}{
		"no key":       {signed.ErrNoKeys{KeyIDs: []string{"id"}}, &MissingKeyError{}},
		"too few keys": {signed.ErrInsufficientSignatures{NeededKeys: 1}, &MissingKeyError{}},
		"explained":    {&LostError{}, &LostError{}},
		"unknown":      {plain, plain},
	} {
		if got := explain("notary.example.com", test.given); reflect.TypeOf(got) != reflect.TypeOf(test.want) {
			t.Errorf("%s: %T (%v), want %T", name, got, got, test.want)
		}
	}
}

func TestRedirectLibraryLog(t *testing.T) {
	logger := logrus.StandardLogger()
	output, hooks := logger.Out, logger.Hooks
	t.Cleanup(func() {
		logger.SetOutput(output)
		logger.ReplaceHooks(hooks)
	})
	logger.SetOutput(os.Stderr)
	var text strings.Builder
	redirect := func() { RedirectLibraryLog(slog.New(slog.NewTextHandler(&text, nil))) }
	redirect()
	redirect() // twice is as good as once
	logrus.WithField("role", "root").Warn("near expiry")
	logrus.Info("chatter") // below the level of the handler
	if got := text.String(); strings.Count(got, "near expiry") != 1 || !strings.Contains(got, "level=WARN") ||
		!strings.Contains(got, "role=root") || strings.Contains(got, "chatter") {
		t.Errorf("logged %q", got)
	}
	if logger.Out != io.Discard {
		t.Error("the library still writes to a stream of its own")
	}
}
