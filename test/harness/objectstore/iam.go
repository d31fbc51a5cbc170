// The two answers of IBM Cloud's IAM that a client of the object store needs:
// a token for an API key, and a no. Form and fields are those of the IAM
// Identity Services API, "Create an IAM access token for ... an API key".
package objectstore

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

// iam issues tokens and knows which of them hold.
type iam struct {
	apiKey   string
	lifetime time.Duration
	now      func() time.Time

	mu      sync.Mutex
	expires map[string]time.Time // by token
}

// token is the answer to a good request.
type token struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"` // seconds
	Expiration   int64  `json:"expiration"` // seconds since 1970
	Scope        string `json:"scope"`
}

// refusal is the answer to a bad one.
type refusal struct {
	ErrorCode    string `json:"errorCode"`
	ErrorMessage string `json:"errorMessage"`
}

// ServeHTTP answers a token request.
func (i *iam) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		answer(w, http.StatusBadRequest, refusal{"BXNIM0109E", "The request's form cannot be read."})
		return
	}
	if r.PostForm.Get("grant_type") != grantAPIKey {
		answer(w, http.StatusBadRequest, refusal{"BXNIM0107E", "Property grant_type is missing or not supported."})
		return
	}
	if subtle.ConstantTimeCompare([]byte(r.PostForm.Get("apikey")), []byte(i.apiKey)) != 1 {
		answer(w, http.StatusBadRequest, refusal{"BXNIM0415E", "Provided API key could not be found."})
		return
	}
	answer(w, http.StatusOK, i.issue())
}

func (i *iam) issue() token {
	text, expiration := rand.Text(), i.now().Add(i.lifetime)
	i.mu.Lock()
	defer i.mu.Unlock()
	for old, at := range i.expires { // so that the map stays as small as its use
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

// holds tells whether the value of an Authorization header carries a token
// that was issued here and has not expired.
func (i *iam) holds(authorization string) bool {
	kind, text, _ := strings.Cut(authorization, " ")
	i.mu.Lock()
	defer i.mu.Unlock()
	expiration, issued := i.expires[text]
	return strings.EqualFold(kind, "Bearer") && issued && i.now().Before(expiration)
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// The status is out; a client that is gone needs no body.
	_ = json.NewEncoder(w).Encode(body)
}
