package server

import (
	"context"
	"errors"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/opensbs/sbs/api"
)

// Routes is the router of a server: the protocol, and nothing else.
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

// handler is a route: it writes its own success, and returns its failure.
type handler func(http.ResponseWriter, *http.Request) error

// json is a route whose failures are JSON objects with a status.
func (s *Server) json(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			s.abortTruncated(w, r, err)
			code, answer := s.failure(r, err)
			writeJSON(w, code, answer)
		}
	}
}

// plain is a route whose failures are plain text: the stock client decodes the
// bytes of anything but a 201.
func (s *Server) plain(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			s.abortTruncated(w, r, err)
			code, answer := s.failure(r, err)
			writeText(w, code, answer.Status+"\n")
		}
	}
}

// abortTruncated ends the connection when a handler failed after the client has
// seen a part of its response: that part must not look whole. A failure that is not
// the client's is logged.
func (s *Server) abortTruncated(w http.ResponseWriter, r *http.Request, err error) {
	recorder, ok := w.(*statusRecorder)
	if !ok || !recorder.begun {
		return
	}
	if !recorder.gone {
		s.Logger.Error("response broken off", "method", r.Method, "path", shortened(r.URL.Path, maxLoggedPath), "error", err)
	}
	panic(http.ErrAbortHandler)
}

// failure classifies err, and logs it when the client is not told all of it.
func (s *Server) failure(r *http.Request, err error) (int, api.Answer) {
	// A request ends early with the server, or because of its client.
	if ended := context.Cause(r.Context()); ended != nil && !errors.Is(ended, errStopping) && errors.Is(err, context.Canceled) {
		err = errHungUp
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

// bounded limits every body. The route that reads it gets the error.
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
