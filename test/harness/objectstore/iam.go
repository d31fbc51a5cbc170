package objectstore

// The token endpoint of IBM Cloud's IAM: it returns a token for an API key, or an
// error. The form and the fields are those of the IAM Identity Services API,
// "Create an IAM access token for ... an API key".

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	grantAPIKey = "urn:ibm:params:oauth:grant-type:apikey"
	maxForm     = 4 << 10 // bytes of a token request
)

// iam issues tokens and checks them.
type iam struct {
	apiKey   string
	lifetime time.Duration
	now      func() time.Time

	mu      sync.Mutex
	expires map[string]time.Time // by token
}

// token is the response to a valid request.
type token struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"` // seconds
	Expiration   int64  `json:"expiration"` // seconds since 1970
	Scope        string `json:"scope"`
}

// refusal is the response to an invalid one.
type refusal struct {
	ErrorCode    string `json:"errorCode"`
	ErrorMessage string `json:"errorMessage"`
}

// ServeHTTP serves a token request.
func (i *iam) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		reply(w, http.StatusBadRequest, refusal{"BXNIM0109E", "The request's form cannot be read."})
		return
	}
	if r.PostForm.Get("grant_type") != grantAPIKey {
		reply(w, http.StatusBadRequest, refusal{"BXNIM0107E", "Property grant_type is missing or not supported."})
		return
	}
	if subtle.ConstantTimeCompare([]byte(r.PostForm.Get("apikey")), []byte(i.apiKey)) != 1 {
		reply(w, http.StatusBadRequest, refusal{"BXNIM0415E", "Provided API key could not be found."})
		return
	}
	reply(w, http.StatusOK, i.issue())
}

func (i *iam) issue() token {
	text, expiration := rand.Text(), i.now().Add(i.lifetime)
	i.mu.Lock()
	defer i.mu.Unlock()
	for old, at := range i.expires { // remove expired tokens: they must not accumulate
		if !i.now().Before(at) {
			delete(i.expires, old)
		}
	}
	i.expires[text] = expiration
	return token{
		AccessToken:  text,
		RefreshToken: "not_supported",
		TokenType:    "Bearer",
		ExpiresIn:    int64(i.lifetime / time.Second),
		Expiration:   expiration.Unix(),
		Scope:        "ibm openid",
	}
}

// valid reports whether an Authorization header has a token that was issued here
// and has not expired.
func (i *iam) valid(authorization string) bool {
	scheme, text, _ := strings.Cut(authorization, " ")
	i.mu.Lock()
	defer i.mu.Unlock()
	expiration, issued := i.expires[text]
	return strings.EqualFold(scheme, "Bearer") && issued && i.now().Before(expiration)
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// The status was sent already; an error means that the client has gone away.
	_ = json.NewEncoder(w).Encode(body)
}
