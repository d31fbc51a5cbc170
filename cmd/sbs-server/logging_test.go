package main

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

func TestLogger(t *testing.T) {
	for name, test := range map[string]struct {
		environment    map[string]string
		stdout, stderr []string // what lines hold, in their order
		refused        string
	}{
		"default":     {stderr: []string{`"level":"INFO","msg":"hello","a":1`, `"level":"ERROR"`}},
		"text":        {environment: map[string]string{envLogFormat: "text"}, stderr: []string{`level=INFO msg=hello a=1`, `level=ERROR`}},
		"journal":     {environment: map[string]string{envLogFormat: "journal"}, stdout: []string{`"level":"INFO","msg":"hello","a":1`}, stderr: []string{`"level":"ERROR","msg":"oh","a":1,"error":"two\nlines"`}},
		"errors only": {environment: map[string]string{envLogLevel: "error"}, stderr: []string{`"level":"ERROR"`}},
		"everything":  {environment: map[string]string{envLogLevel: "debug"}, stderr: []string{`"DEBUG"`, `"INFO"`, `"ERROR"`}},
		"bad level":   {environment: map[string]string{envLogLevel: "loud"}, refused: envLogLevel},
		"bad format":  {environment: map[string]string{envLogFormat: "xml"}, refused: envLogFormat},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			settings, err := readLogSettings(func(key string) string { return test.environment[key] })
			if test.refused != "" {
				if err == nil || !strings.Contains(err.Error(), test.refused) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			logger := newLogger(settings, &stdout, &stderr).With(slog.Int("a", 1))
			logger.Debug("deep")
			logger.Info("hello")
			logger.Error("oh", "error", errors.New("two\nlines"))
			for stream, got := range map[string]struct {
				text string
				want []string
			}{"stdout": {stdout.String(), test.stdout}, "stderr": {stderr.String(), test.stderr}} {
				lines := strings.Split(strings.TrimSuffix(got.text, "\n"), "\n")
				if got.text == "" {
					lines = nil
				}
				if len(lines) != len(got.want) {
					t.Errorf("%s: got %q, want %d lines", stream, lines, len(got.want))
					continue
				}
				for i, want := range got.want {
					if !strings.Contains(lines[i], want) {
						t.Errorf("%s: got %q, want %q", stream, lines[i], want)
					}
				}
			}
		})
	}
}
