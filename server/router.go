package server

import (
	"context"
	"errors"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/opensbs/sbs/api"
)

// Routes returns the handler of all routes of the protocol.
func (s *Server) Routes() chi.Router {
	r := chi.NewRouter()
	r.Use(s.observe, bounded)

	r.Post(api.PathImage, s.json(s.initParameters))
	r.Patch(api.PathImage, s.json(s.updateParameters))
	r.Put(api.PathImage, s.json(s.build))
	r.Delete(api.PathImage, s.json(s.clean))
	r.Get(api.PathImage, s.json(s.status))
	r.Get(api.PathLog, s.json(s.log))
	r.Get(api.PathManifest, s.json(s.manifest))
	r.Get(api.PathPublicKey, s.json(s.publicKey))
	r.Get(api.PathImageDigest, s.plain(s.imageDigest))
	r.Get(api.PathConfigJSON, s.plain(s.configJSON))
	r.Get(api.PathConfigPython, s.plain(s.configPython))
	r.Get(api.PathStateImage, s.json(s.exportState))
	r.Post(api.PathStateImage, s.json(s.importState))
	r.Get(api.PathBuilds, s.json(s.builds))
	r.Get(api.PathAttestation, s.json(s.attestation))
	r.Get(api.PathMetrics, s.metrics.Handler().ServeHTTP)
	r.Get(api.PathEvents, s.json(s.events))
	r.Get(api.PathLookaside+"/*", s.json(s.lookaside))

	r.NotFound(refuse(http.StatusNotFound, api.Answer{Status: "there is no such route", Code: api.CodeNotFound}))
	r.MethodNotAllowed(refuse(http.StatusMethodNotAllowed, api.Answer{Status: "this route has no such method", Code: api.CodeNotAllowed}))
	return r
}

// handler serves a route: it writes the reply of a success, and returns a failure.
type handler func(http.ResponseWriter, *http.Request) error

// json serves a route whose failures are JSON objects with a status.
func (s *Server) json(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			s.abortTruncated(w, r, err)
			code, answer := s.failure(r, err)
			writeJSON(w, code, answer)
		}
	}
}

// plain serves a route whose failures are plain text, because the stock client prints
// the bytes of every reply other than a 201.
func (s *Server) plain(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			s.abortTruncated(w, r, err)
			code, answer := s.failure(r, err)
			writeText(w, code, answer.Status+"\n")
		}
	}
}

// abortTruncated closes the connection when a handler failed after a part of its
// response was sent, so that the client does not take it for the whole. A failure
// that the client did not cause is logged.
func (s *Server) abortTruncated(w http.ResponseWriter, r *http.Request, err error) {
	recorder, ok := w.(*statusRecorder)
	if !ok || !recorder.headerWritten {
		return
	}
	if !recorder.gone {
		s.Logger.Error("response truncated", "method", r.Method, "path", shortened(r.URL.Path, maxLoggedPath), "error", err)
	}
	panic(http.ErrAbortHandler)
}

// failure classifies err, and logs it when the reply does not have its cause.
func (s *Server) failure(r *http.Request, err error) (int, api.Answer) {
	// The context ends when the server stops or when the client closes the request.
	if ended := context.Cause(r.Context()); ended != nil && !errors.Is(ended, errStopping) && errors.Is(err, context.Canceled) {
		err = errClientClosed
	}
	code, answer := classify(err)
	if code == http.StatusInternalServerError {
		s.Logger.Error("request failed", "method", r.Method, "path", shortened(r.URL.Path, maxLoggedPath), "error", err)
	}
	return code, answer
}

func refuse(code int, answer api.Answer) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, code, answer) }
}

// bounded limits the size of every body. The handler that reads it gets the error.
func bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit := int64(api.MaxBody)
		if r.URL.Path == api.PathStateImage {
			limit = api.MaxStateBody
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		next.ServeHTTP(w, r)
	})
}
