package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
)

// Formats of the server's own log, by SBS_LOG_FORMAT. Each event is one line.
const (
	logJSON = "json" // to standard error
	logText = "text" // logfmt, to standard error

	// logJournal is for runtimes whose log driver makes journal entries of a
	// container's output, such as Hyper Protect's: they give lines of standard
	// output the priority "info" and lines of standard error "err", so that
	// errors go to the one and all else to the other.
	logJournal = "journal"
)

// logSettings are the settings of the server's own log.
type logSettings struct {
	format string     // logJSON, logText or logJournal
	level  slog.Level // events below it are not logged
}

// readLogSettings reads SBS_LOG_FORMAT and SBS_LOG_LEVEL.
func readLogSettings(getenv func(string) string) (logSettings, error) {
	s := logSettings{format: or(getenv(envLogFormat), logJSON)}
	if level := getenv(envLogLevel); level != "" {
		if err := s.level.UnmarshalText([]byte(level)); err != nil {
			return logSettings{}, fmt.Errorf("%s: %q is not a level: it takes debug, info, warn or error", envLogLevel, level)
		}
	}
	switch s.format {
	case logJSON, logText, logJournal:
		return s, nil
	}
	return logSettings{}, fmt.Errorf("%s: %q is not a format: it takes %s, %s or %s", envLogFormat, s.format, logJSON, logText, logJournal)
}

// newLogger returns a logger that writes to stderr, and in the format logJournal
// to stdout as well.
func newLogger(s logSettings, stdout, stderr io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: s.level}
	switch s.format {
	case logText:
		return slog.New(slog.NewTextHandler(stderr, options))
	case logJournal:
		return slog.New(byLevel{slog.NewJSONHandler(stdout, options), slog.NewJSONHandler(stderr, options)})
	}
	return slog.New(slog.NewJSONHandler(stderr, options))
}

// byLevel sends errors to another handler than the rest.
type byLevel struct{ rest, errors slog.Handler }

func (h byLevel) of(level slog.Level) slog.Handler {
	if level >= slog.LevelError {
		return h.errors
	}
	return h.rest
}

func (h byLevel) Enabled(ctx context.Context, level slog.Level) bool {
	return h.of(level).Enabled(ctx, level)
}

func (h byLevel) Handle(ctx context.Context, record slog.Record) error {
	return h.of(record.Level).Handle(ctx, record)
}

func (h byLevel) WithAttrs(attributes []slog.Attr) slog.Handler {
	return byLevel{h.rest.WithAttrs(attributes), h.errors.WithAttrs(attributes)}
}

func (h byLevel) WithGroup(name string) slog.Handler {
	return byLevel{h.rest.WithGroup(name), h.errors.WithGroup(name)}
}
