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

// observe logs and counts each request when it is done: its path and status code,
// never its content. It also replies for a handler that panics.
func (s *Server) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := time.Now()
		recorder := &statusRecorder{ResponseWriter: w, control: http.NewResponseController(w), code: http.StatusOK}
		defer func() {
			failure := recover()
			if failure != nil {
				s.panicked(recorder, r, failure)
			}
			s.record(recorder, r, time.Since(started))
			if recorder.truncated {
				panic(http.ErrAbortHandler) // closes the connection: the response is incomplete
			}
		}()
		next.ServeHTTP(recorder, r)
	})
}

func (s *Server) record(recorder *statusRecorder, r *http.Request, took time.Duration) {
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

// panicked logs where a handler panicked, without the values it worked on.
func (s *Server) panicked(recorder *statusRecorder, r *http.Request, failure any) {
	if recorder.truncated = recorder.headerWritten; failure == http.ErrAbortHandler {
		recorder.truncated = true
		return
	}
	cause := fmt.Sprintf("%T", failure)
	var known runtime.Error
	if err, ok := failure.(error); ok && errors.As(err, &known) {
		cause = known.Error()
	}
	s.Logger.Error("handler panicked", "method", r.Method, "path", shortened(r.URL.Path, maxLoggedPath),
		"error", cause, "stack", string(debug.Stack()))
	if !recorder.truncated {
		writeJSON(recorder, http.StatusInternalServerError, api.Answer{Status: internalFailure, Code: api.CodeInternal})
	}
}

// writeTime bounds one write to a client. A slow client may take long for a large
// response, but must keep reading.
const writeTime = 30 * time.Second

// statusRecorder records what was sent, and gives each write a deadline of its own.
type statusRecorder struct {
	http.ResponseWriter
	control       *http.ResponseController
	code          int
	sent          int64 // bytes of the body
	headerWritten bool
	truncated     bool // the response ends before its end
	gone          bool // a write failed: the client closed the connection
}

func (r *statusRecorder) WriteHeader(code int) {
	r.code, r.headerWritten = code, true
	r.ResponseWriter.WriteHeader(code)
}

func (r *statusRecorder) Write(p []byte) (int, error) {
	r.headerWritten = true
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
	r.headerWritten = true
	err := http.NewResponseController(r.ResponseWriter).Flush()
	r.gone = r.gone || err != nil
	return err
}

// Unwrap lets http.ResponseController reach the connection.
func (r *statusRecorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
