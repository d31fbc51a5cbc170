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

// Errors of the handlers. classify maps them and those of other packages to status
// codes.
var (
	errNoManifest   = errors.New("the manifest of that build is not on this server any more: it was removed to free space (BUILDS_KEPT_SIZE), or stayed on the server whose state was imported; the key that verifies it is still here, and the bucket of MANIFEST_BUCKET_NAME has the manifest if one was set")
	errNoSignature  = errors.New("there is no such signature: names are namespace/name@sha256=<hex>/signature-1 and on, for images whose registry keeps no signatures")
	errNoSuchLog    = errors.New("there is no such log: the build log is called build")
	errStopping     = errors.New("the server is shutting down: try again when it is up")
	errClientClosed = errors.New("the client ended its side before the answer")
)

// internalFailure is the text of every reply to a request that failed because of the
// server. The cause is in the server's log only.
const internalFailure = "the server failed: its own log has the cause"

// badRequest reports a request whose body the route does not accept.
type badRequest struct{ cause error }

func (e *badRequest) Error() string { return "the request body is not understood: " + e.cause.Error() }
func (e *badRequest) Unwrap() error { return e.cause }

// classify returns the status code of an error and the reply that the client
// receives. It is the only function that decides this. The text of an error that is
// not known here goes to the log, and not to the client.
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
	case errors.Is(err, errClientClosed):
		return http.StatusBadRequest, api.Answer{Status: errClientClosed.Error(), Code: api.CodeBadRequest}
	case errors.Is(err, errStopping), errors.Is(err, context.Canceled):
		return http.StatusServiceUnavailable, api.Answer{Status: errStopping.Error(), Code: api.CodeStopping}
	}
	return http.StatusInternalServerError, api.Answer{Status: internalFailure, Code: api.CodeInternal}
}

// classifyVolume classifies errors of the data volume. Their texts are sent to the
// client, because they name what the owner of the volume has to fix.
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

// classifyState classifies errors of state images and of the object store.
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
