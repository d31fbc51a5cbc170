package server

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/metrics"
)

// maxLoggedPath bounds what a request adds to the log, in bytes.
const maxLoggedPath = 256

// observe logs and counts each request when it is done: what was asked and
// answered, never what was in it. It also answers for a handler that panics.
func (s *Server) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := time.Now()
		recorder := &statusRecorder{ResponseWriter: w, control: http.NewResponseController(w), code: http.StatusOK}
		defer func() {
			failure := recover()
			if failure != nil {
				s.panicked(recorder, r, failure)
			}
			s.answered(recorder, r, time.Since(started))
			if recorder.torn {
				panic(http.ErrAbortHandler) // the connection ends: half an answer must not look whole
			}
		}()
		next.ServeHTTP(recorder, r)
	})
}

func (s *Server) answered(recorder *statusRecorder, r *http.Request, took time.Duration) {
	s.metrics.CountRequest(metrics.Request{
		Method: r.Method, Route: chi.RouteContext(r.Context()).RoutePattern(), Code: recorder.code,
		Took: took, Received: r.ContentLength, Sent: recorder.sent,
	})
	level := slog.LevelInfo
	if r.Method == http.MethodGet {
		level = slog.LevelDebug // clients poll
	}
	s.Logger.Log(r.Context(), level, "request", "method", shortened(r.Method, maxLoggedPath),
		"path", shortened(r.URL.Path, maxLoggedPath), "code", recorder.code, "took", took)
}

// panicked says where a handler broke. What it was given stays out of the log.
func (s *Server) panicked(recorder *statusRecorder, r *http.Request, failure any) {
	if recorder.torn = recorder.begun; failure == http.ErrAbortHandler {
		recorder.torn = true
		return
	}
	cause := fmt.Sprintf("%T", failure)
	var known runtime.Error
	if err, ok := failure.(error); ok && errors.As(err, &known) {
		cause = known.Error()
	}
	s.Logger.Error("handler panicked", "method", r.Method, "path", shortened(r.URL.Path, maxLoggedPath),
		"error", cause, "stack", string(debug.Stack()))
	if !recorder.torn {
		writeJSON(recorder, http.StatusInternalServerError, api.Answer{Status: internalFailure, Code: api.CodeInternal})
	}
}

// writeTime is how long one write to a client may take. A slow client may take
// long for a large answer, but must keep reading.
const writeTime = 30 * time.Second

// statusRecorder records what was sent, and gives each write a deadline of its own.
type statusRecorder struct {
	http.ResponseWriter
	control *http.ResponseController
	code    int
	sent    int64 // bytes of the body
	begun   bool  // the status code was sent
	torn    bool  // the response was broken off
	gone    bool  // a write failed: the client has left
}

func (r *statusRecorder) WriteHeader(code int) {
	r.code, r.begun = code, true
	r.ResponseWriter.WriteHeader(code)
}

func (r *statusRecorder) Write(p []byte) (int, error) {
	r.begun = true
	if err := r.control.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
		r.gone = true
		return 0, err
	}
	n, err := r.ResponseWriter.Write(p)
	r.sent += int64(n)
	r.gone = r.gone || err != nil
	return n, err
}

// FlushError sends what is buffered. HTTP/2 reports a client that has left only here.
func (r *statusRecorder) FlushError() error {
	r.begun = true
	err := http.NewResponseController(r.ResponseWriter).Flush()
	r.gone = r.gone || err != nil
	return err
}

// Unwrap lets http.ResponseController reach the connection.
func (r *statusRecorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
