package dct

// The library's own messages.

import (
	"context"
	"io"
	"log/slog"

	"github.com/sirupsen/logrus"
)

// RedirectLibraryLog sends what notary's client logs to logger, instead of to
// standard error in a format of its own. The client uses logrus's one process-wide
// logger, so this is for main to call, once, before it starts anything; it holds
// for every other library that logs through it.
//
// The client logs at most ids of keys, roles, GUNs and errors (its texts were
// read for version 0.7.0): no keys, no credentials. All that matters is
// returned as an error too, so even its errors arrive as warnings at most.
func RedirectLibraryLog(logger *slog.Logger) {
	logrus.SetOutput(io.Discard)
	hooks := make(logrus.LevelHooks)
	hooks.Add(forward{logger})
	logrus.StandardLogger().ReplaceHooks(hooks)
}

type forward struct{ logger *slog.Logger }

// Levels requests every message; logrus drops those below its own level first.
func (forward) Levels() []logrus.Level { return logrus.AllLevels }

// Fire passes one message on.
func (f forward) Fire(entry *logrus.Entry) error {
	level := slog.LevelDebug
	if entry.Level <= logrus.WarnLevel {
		level = slog.LevelWarn
	}
	ctx := entry.Context
	if ctx == nil {
		ctx = context.Background()
	}
	attributes := make([]any, 0, 2*len(entry.Data))
	for key, value := range entry.Data {
		attributes = append(attributes, key, value)
	}
	f.logger.Log(ctx, level, entry.Message, attributes...)
	return nil
}
