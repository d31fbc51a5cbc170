package objectstore

// Two servers with one certificate: the token endpoint and the store, which have
// different addresses in IBM Cloud too.

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

// tokenPath is the path of token requests in IBM Cloud's IAM.
const tokenPath = "/oidc/token"

// defaultLifetime is the lifetime of IBM Cloud's tokens.
const defaultLifetime = time.Hour

// Options are the options of Start. The zero value starts an empty store.
type Options struct {
	// Buckets are created at the start.
	Buckets []string
	// TokenLifetime is the lifetime of a token; 0 means an hour.
	TokenLifetime time.Duration
	// Now is the clock for the expiry of tokens; nil means time.Now.
	Now func() time.Time
}

// Server is a running object store with its token endpoint.
type Server struct {
	store, tokens *loopback.Server

	iam *iam
	crn string
	ca  []byte
}

// Start starts the store and its token endpoint. ctx bounds the start only.
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

// Endpoint returns the address of the S3 protocol, with buckets in the path.
func (s *Server) Endpoint() string { return "https://" + s.store.Address() }

// AuthEndpoint returns the address of token requests.
func (s *Server) AuthEndpoint() string { return "https://" + s.tokens.Address() + tokenPath }

// APIKey returns the API key for which tokens are issued.
func (s *Server) APIKey() string { return s.iam.apiKey }

// ResourceCRN returns the CRN of the instance; requests for another are refused.
func (s *Server) ResourceCRN() string { return s.crn }

// CABundle returns the certificate of both endpoints as PEM, which clients must
// trust.
func (s *Server) CABundle() []byte { return s.ca }

// Close stops both endpoints. It waits for running requests until ctx ends.
func (s *Server) Close(ctx context.Context) error {
	return errors.Join(s.store.Close(ctx), s.tokens.Close(ctx))
}

// authorized calls next for requests that have a valid token and, if they name an
// instance, the right one.
func (s *Server) authorized(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.iam.valid(r.Header.Get("Authorization")) {
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

// deny writes an error in the format of S3.
func deny(w http.ResponseWriter, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(http.StatusForbidden)
	// The status was sent already; an error means that the client has gone away.
	_ = xml.NewEncoder(w).Encode(struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
		Message string
	}{Code: "AccessDenied", Message: message})
}
