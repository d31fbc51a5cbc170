// Two servers with one certificate: the token endpoint and the store behind
// it, as they stand apart in IBM Cloud.
package objectstore

import (
	"context"
	"crypto/rand"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/opensbs/sbs/test/harness/loopback"
)

// tokenPath is where IBM Cloud's IAM answers token requests.
const tokenPath = "/oidc/token"

// defaultLifetime is how long IBM Cloud's tokens hold.
const defaultLifetime = time.Hour

// Options says what the store holds at first; the zero value is an empty one.
type Options struct {
	// Buckets are made at the start.
	Buckets []string
	// TokenLifetime is how long a token holds: an hour when zero.
	TokenLifetime time.Duration
	// Now is the clock by which tokens expire: time.Now when nil.
	Now func() time.Time
}

// Server is a running object store with its token endpoint.
type Server struct {
	store, tokens *loopback.Server

	iam *iam
	crn string
	ca  []byte
}

// Start runs the store. ctx bounds the start only.
func Start(ctx context.Context, options Options) (*Server, error) {
	if options.TokenLifetime == 0 {
		options.TokenLifetime = defaultLifetime
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	backend := s3mem.New()
	for _, bucket := range options.Buckets {
		if err := backend.CreateBucket(bucket); err != nil {
			return nil, fmt.Errorf("make bucket %s: %w", bucket, err)
		}
	}
	config, ca, err := loopback.Certificate("object store of the local stack")
	if err != nil {
		return nil, err
	}
	s := &Server{
		iam: &iam{
			apiKey:   rand.Text(),
			lifetime: options.TokenLifetime,
			now:      options.Now,
			expires:  make(map[string]time.Time),
		},
		crn: "crn:v1:bluemix:public:cloud-object-storage:global:a/local:" + rand.Text() + "::",
		ca:  ca,
	}
	routes := http.NewServeMux()
	routes.Handle("POST "+tokenPath, s.iam)
	if s.tokens, err = loopback.Serve(ctx, routes, config.Clone()); err != nil {
		return nil, fmt.Errorf("start the token endpoint: %w", err)
	}
	if s.store, err = loopback.Serve(ctx, s.authorized(gofakes3.New(backend).Server()), config.Clone()); err != nil {
		return nil, errors.Join(fmt.Errorf("start the object store: %w", err), s.tokens.Close(ctx))
	}
	return s, nil
}

// Endpoint is the address of the S3 protocol, buckets in the path.
func (s *Server) Endpoint() string { return "https://" + s.store.Address() }

// AuthEndpoint is the address that answers token requests.
func (s *Server) AuthEndpoint() string { return "https://" + s.tokens.Address() + tokenPath }

// APIKey is the key that a token is issued for.
func (s *Server) APIKey() string { return s.iam.apiKey }

// ResourceCRN names the instance; a request for another one is refused.
func (s *Server) ResourceCRN() string { return s.crn }

// CABundle is the PEM text by which both endpoints are trusted.
func (s *Server) CABundle() []byte { return s.ca }

// Close stops both endpoints; requests that run when ctx ends are cut off.
func (s *Server) Close(ctx context.Context) error {
	return errors.Join(s.store.Close(ctx), s.tokens.Close(ctx))
}

// authorized lets a request through to next with a token that holds and, where
// an instance is named, the right one.
func (s *Server) authorized(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.iam.holds(r.Header.Get("Authorization")) {
			deny(w, "the bearer token is missing, unknown or expired")
			return
		}
		if crn := r.Header.Get("ibm-service-instance-id"); crn != "" && crn != s.crn {
			deny(w, "the token is not for this service instance")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// deny answers as S3 does.
func deny(w http.ResponseWriter, why string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(http.StatusForbidden)
	// The status is out; a client that is gone needs no body.
	_ = xml.NewEncoder(w).Encode(struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
		Message string
	}{Code: "AccessDenied", Message: why})
}
