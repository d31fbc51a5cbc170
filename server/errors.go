package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/history"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/server/objectstore"
	"github.com/opensbs/sbs/server/parameters"
	"github.com/opensbs/sbs/server/stateimage"
	"github.com/opensbs/sbs/server/transfer"
	"github.com/opensbs/sbs/server/volume"
)

// Errors of the handlers. Those of the packages below are classified beside
// them in classify, and nowhere else.
var (
	errNoManifest  = errors.New("the manifest of that build is not on this server any more: it was removed to make room (BUILDS_KEPT_SIZE), or stayed on the server whose state was imported; the key that verifies it is still here, and the bucket of MANIFEST_BUCKET_NAME has the manifest if one was set")
	errNoSignature = errors.New("there is no such signature: names are namespace/name@sha256=<hex>/signature-1 and on, for images whose registry keeps no signatures")
	errNoSuchLog   = errors.New("there is no such log: the build log is called build")
	errStopping    = errors.New("the server is shutting down: try again when it is up")
	errHungUp      = errors.New("the client ended its side before the answer")
)

// internalFailure is all that a client is told of the server's own trouble.
const internalFailure = "the server failed: its own log says why"

// badRequest is a body that is not what the route takes.
type badRequest struct{ cause error }

func (e *badRequest) Error() string { return "the request body is not understood: " + e.cause.Error() }
func (e *badRequest) Unwrap() error { return e.cause }

// classify is the one place where an error becomes a status code and the text
// that the client sees. What is not known here is the server's own trouble: its
// text goes to the log, not to the client.
func classify(err error) (int, api.Answer) {
	var parameter *api.ParameterError
	var tooLarge *http.MaxBytesError
	var bad *badRequest
	if code, answer, ok := classifyState(err); ok {
		return code, answer
	}
	if code, answer, ok := classifyVolume(err); ok {
		return code, answer
	}
	switch {
	case errors.Is(err, ErrNoEvidence):
		return http.StatusNotFound, api.Answer{Status: ErrNoEvidence.Error(), Code: api.CodeNoEvidence}
	case errors.As(err, &parameter):
		return http.StatusBadRequest, api.Answer{Status: parameter.Error(), Code: api.CodeBadParameter, Key: parameter.Key}
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge, api.Answer{Status: fmt.Sprintf("the request body is larger than %d MiB", tooLarge.Limit>>20), Code: api.CodeTooLarge}
	case errors.As(err, &bad):
		return http.StatusBadRequest, api.Answer{Status: bad.Error(), Code: api.CodeBadRequest}
	case errors.Is(err, job.ErrBusy):
		return http.StatusConflict, api.Answer{Status: job.ErrBusy.Error(), Code: api.CodeBusy}
	case errors.Is(err, parameters.ErrIncomplete):
		return http.StatusConflict, api.Answer{Status: parameters.ErrIncomplete.Error(), Code: api.CodeIncomplete}
	case errors.Is(err, errNoManifest):
		return http.StatusGone, api.Answer{Status: errNoManifest.Error(), Code: api.CodeGone}
	case errors.Is(err, parameters.ErrNotInitialised):
		return http.StatusConflict, api.Answer{Status: parameters.ErrNotInitialised.Error(), Code: api.CodeNotInitialised}
	case errors.Is(err, parameters.ErrWrongSecret):
		return http.StatusForbidden, api.Answer{Status: parameters.ErrWrongSecret.Error(), Code: api.CodeForbidden}
	case errors.Is(err, history.ErrNoSuccess), errors.Is(err, errNoSuchLog), errors.Is(err, errNoSignature):
		return http.StatusNotFound, api.Answer{Status: err.Error(), Code: api.CodeNotFound}
	case errors.Is(err, history.ErrNoSuchBuild), errors.Is(err, fs.ErrNotExist):
		return http.StatusNotFound, api.Answer{Status: history.ErrNoSuchBuild.Error(), Code: api.CodeNotFound}
	case errors.Is(err, errHungUp):
		return http.StatusBadRequest, api.Answer{Status: errHungUp.Error(), Code: api.CodeBadRequest}
	case errors.Is(err, errStopping), errors.Is(err, context.Canceled):
		return http.StatusServiceUnavailable, api.Answer{Status: errStopping.Error(), Code: api.CodeStopping}
	}
	return http.StatusInternalServerError, api.Answer{Status: internalFailure, Code: api.CodeInternal}
}

// classifyVolume knows what is wrong with the data volume itself: its owner must
// be told what to mend.
func classifyVolume(err error) (int, api.Answer, bool) {
	var unwritable *volume.UnwritableError
	var sealed *volume.SealedError
	var damaged *volume.DamagedError
	switch err = volume.Unwritable(err); {
	case errors.As(err, &unwritable):
		return http.StatusInsufficientStorage, api.Answer{Status: unwritable.Error(), Code: api.CodeVolume}, true
	case errors.As(err, &sealed):
		return http.StatusInternalServerError, api.Answer{Status: sealed.Error(), Code: api.CodeVolume}, true
	case errors.As(err, &damaged):
		return http.StatusInternalServerError, api.Answer{Status: damaged.Error(), Code: api.CodeVolume}, true
	}
	return 0, api.Answer{}, false
}

// classifyState knows the errors of state images and of the bucket they lie in.
func classifyState(err error) (int, api.Answer, bool) {
	for _, refusal := range []struct {
		kind error
		code int
	}{
		{transfer.ErrWouldLoseKeys, http.StatusConflict},
		{transfer.ErrUnknownName, http.StatusConflict},
		{transfer.ErrOtherRepository, http.StatusConflict},
		{stateimage.ErrNotState, http.StatusBadRequest},
		{stateimage.ErrVersion, http.StatusBadRequest},
		{stateimage.ErrTruncated, http.StatusBadRequest},
		{stateimage.ErrChanged, http.StatusBadRequest},
		{stateimage.ErrTooLarge, http.StatusRequestEntityTooLarge},
		{stateimage.ErrDeveloperSecret, http.StatusForbidden},
		{stateimage.ErrImageSecret, http.StatusForbidden},
	} {
		if errors.Is(err, refusal.kind) {
			return refusal.code, api.Answer{Status: refusal.kind.Error(), Code: api.CodeState}, true
		}
	}
	var store *objectstore.Error
	if !errors.As(err, &store) {
		return 0, api.Answer{}, false
	}
	code := http.StatusBadGateway
	if errors.Is(err, objectstore.ErrNoObject) || errors.Is(err, objectstore.ErrNoBucket) {
		code = http.StatusNotFound
	}
	return code, api.Answer{Status: store.Error(), Code: api.CodeStore}, true
}
