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

// newLogger makes the server's logger as the environment wants it.
func newLogger(getenv func(string) string, stdout, stderr io.Writer) (*slog.Logger, error) {
	options := &slog.HandlerOptions{}
	if level := getenv(envLogLevel); level != "" {
		var least slog.Level
		if err := least.UnmarshalText([]byte(level)); err != nil {
			return nil, fmt.Errorf("%s is %q: it takes debug, info, warn or error", envLogLevel, level)
		}
		options.Level = least
	}
	switch format := or(getenv(envLogFormat), logJSON); format {
	case logJSON:
		return slog.New(slog.NewJSONHandler(stderr, options)), nil
	case logText:
		return slog.New(slog.NewTextHandler(stderr, options)), nil
	case logJournal:
		return slog.New(byLevel{slog.NewJSONHandler(stdout, options), slog.NewJSONHandler(stderr, options)}), nil
	default:
		return nil, fmt.Errorf("%s is %q: it takes %s, %s or %s", envLogFormat, format, logJSON, logText, logJournal)
	}
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
