package notary

import (
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"

	"github.com/docker/distribution/registry/client/auth"
	"github.com/theupdateframework/notary/storage"
	"github.com/theupdateframework/notary/tuf/data"
	"github.com/theupdateframework/notary/tuf/signed"

	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/signature/httpclient"
)

func TestExplain(t *testing.T) {
	plain := errors.New("something else")
	for name, test := range map[string]struct {
		given error
		want  error // of the same type
	}{
		"expired timestamp":   {signed.ErrExpired{Role: data.CanonicalTimestampRole, Expired: "yesterday"}, &signature.ExpiredError{}},
		"expired certificate": {data.ErrCertExpired{CN: "localhost/ns/app"}, &signature.ExpiredError{}},
		"connection lost":     {storage.NetworkError{Wrapped: io.EOF}, &signature.UnreachableError{}},
		"status on the way":   {storage.NetworkError{Wrapped: &statusError{403}}, &signature.AccessError{}},
		"no credentials":      {storage.NetworkError{Wrapped: auth.ErrNoBasicAuthCredentials}, &signature.AccessError{}},
		"unknown":             {plain, plain},
	} {
		if got := Explain("notary.example.com", test.given); reflect.TypeOf(got) != reflect.TypeOf(test.want) {
			t.Errorf("%s: %T (%v), want %T", name, got, got, test.want)
		}
	}
}

func TestAnswerIsBounded(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for chunk := make([]byte, 1<<20); ; {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}))
	t.Cleanup(server.Close)
	transport, err := httpclient.NewTrusting(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	if err != nil {
		t.Fatal(err)
	}
	defer transport.CloseIdleConnections()
	call, err := http.NewRequest(http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := bounded(t.Context(), transport, nil).RoundTrip(call)
	if err != nil {
		t.Fatal(err)
	}
	read, err := io.Copy(io.Discard, response.Body)
	var tooLarge *http.MaxBytesError
	if !errors.As(err, &tooLarge) || read != maxResponse {
		t.Errorf("read %d bytes, then %v", read, err)
	}
	if err := response.Body.Close(); err != nil {
		t.Error(err)
	}
}
