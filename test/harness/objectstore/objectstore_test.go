package objectstore

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const bucket = "manifests"

func TestTokenIsIssuedForTheAPIKeyOnly(t *testing.T) {
	server, client := start(t, Options{TokenLifetime: 90 * time.Second})
	good := url.Values{"grant_type": {grantAPIKey}, "apikey": {server.APIKey()}}

	for _, test := range []struct {
		name string
		form url.Values
		want int
	}{
		{"right key", good, http.StatusOK},
		{"wrong key", url.Values{"grant_type": {grantAPIKey}, "apikey": {"guess"}}, http.StatusBadRequest},
		{"no key", url.Values{"grant_type": {grantAPIKey}}, http.StatusBadRequest},
		{"another grant", url.Values{"grant_type": {"password"}, "apikey": {server.APIKey()}}, http.StatusBadRequest},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, body := post(t, client, server.AuthEndpoint(), test.form)
			if status != test.want {
				t.Errorf("status %d, want %d: %s", status, test.want, body)
			}
		})
	}

	_, body := post(t, client, server.AuthEndpoint(), good)
	var issued token
	if err := json.Unmarshal(body, &issued); err != nil {
		t.Fatal(err)
	}
	if issued.ExpiresIn != 90 || issued.TokenType != "Bearer" || issued.AccessToken == "" {
		t.Errorf("the token is %+v", issued)
	}
}

func TestOnlyValidTokensAreAccepted(t *testing.T) {
	var elapsed atomic.Int64
	began := time.Now()
	server, client := start(t, Options{
		Buckets:       []string{bucket},
		TokenLifetime: time.Minute,
		Now:           func() time.Time { return began.Add(time.Duration(elapsed.Load())) },
	})
	bearer := "Bearer " + server.iam.issue().AccessToken

	put := func(t *testing.T, authorization, crn string) int {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPut,
			server.Endpoint()+"/"+bucket+"/object", strings.NewReader("content"))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", authorization)
		request.Header.Set("ibm-service-instance-id", crn)
		status, _ := do(t, client, request)
		return status
	}
	for _, test := range []struct {
		name          string
		after         time.Duration
		authorization string
		crn           string
		want          int
	}{
		{"at once", 0, bearer, server.ResourceCRN(), http.StatusOK},
		{"for no named instance", 0, bearer, "", http.StatusOK},
		{"for another instance", 0, bearer, "crn:other", http.StatusForbidden},
		{"without a token", 0, "", server.ResourceCRN(), http.StatusForbidden},
		{"with a token that was not issued", 0, "Bearer guess", server.ResourceCRN(), http.StatusForbidden},
		{"with the token as a password", 0, "Basic " + strings.TrimPrefix(bearer, "Bearer "), "", http.StatusForbidden},
		{"just before it expires", time.Minute - 1, bearer, server.ResourceCRN(), http.StatusOK},
		{"when it expires", time.Minute, bearer, server.ResourceCRN(), http.StatusForbidden},
	} {
		t.Run(test.name, func(t *testing.T) {
			elapsed.Store(int64(test.after))
			if status := put(t, test.authorization, test.crn); status != test.want {
				t.Errorf("status %d, want %d", status, test.want)
			}
		})
	}
}

func TestExpiredTokensAreRemoved(t *testing.T) {
	now := time.Now()
	i := &iam{lifetime: time.Minute, now: func() time.Time { return now }, expires: make(map[string]time.Time)}
	i.issue()
	now = now.Add(time.Minute)
	i.issue()
	if len(i.expires) != 1 {
		t.Errorf("%d tokens are stored, want the valid one only", len(i.expires))
	}
}

func start(t *testing.T, options Options) (*Server, *http.Client) {
	t.Helper()
	server, err := Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(server.CABundle())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := server.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return server, &http.Client{Transport: transport}
}

func post(t *testing.T, client *http.Client, address string, form url.Values) (int, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return do(t, client, request)
}

func do(t *testing.T, client *http.Client, request *http.Request) (int, []byte) {
	t.Helper()
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, body
}
