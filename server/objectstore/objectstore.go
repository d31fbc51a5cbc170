package objectstore

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/IBM/ibm-cos-sdk-go/aws"
	"github.com/IBM/ibm-cos-sdk-go/aws/client"
	"github.com/IBM/ibm-cos-sdk-go/aws/corehandlers"
	"github.com/IBM/ibm-cos-sdk-go/aws/credentials"
	"github.com/IBM/ibm-cos-sdk-go/aws/defaults"
	"github.com/IBM/ibm-cos-sdk-go/aws/request"
	"github.com/IBM/ibm-cos-sdk-go/service/s3"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/signature/httpclient"
)

// Store is an open bucket. It is safe for concurrent use. The caller closes it.
type Store struct {
	bucket string
	prefix string // of the parameters, for messages
	s3     *s3.S3
	http   *http.Client
}

// Timeouts of one request. The context bounds the whole operation.
const (
	responseTime = 2 * time.Minute // for the header of a response
	maxRetries   = 4
	firstPause   = 100 * time.Millisecond
	longestWait  = 5 * time.Second
)

// Open returns the store of the parameters that begin with prefix, such as
// "MANIFEST_". caBundle holds CA certificates, as PEM text, that are trusted in
// addition to the system's and the parameters' own. It sends no request.
func Open(prefix string, parameters api.ObjectStore, caBundle []byte) (*Store, error) {
	return open(prefix, parameters, caBundle, time.Now)
}

func open(prefix string, parameters api.ObjectStore, caBundle []byte, now func() time.Time) (*Store, error) {
	if err := parameters.Check(prefix); err != nil {
		return nil, err
	}
	transport, err := newTransport(caBundle, []byte(parameters.CA))
	if err != nil {
		return nil, fmt.Errorf("open object store: %w", err)
	}
	store := &Store{
		bucket: parameters.Bucket,
		prefix: prefix,
		// The target of a redirect would get the token too.
		http: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	store.s3 = newS3(parameters, store.http)
	if parameters.HMACKeyID == "" {
		tokens := &tokens{
			http:     store.http,
			endpoint: parameters.AuthEndpoint,
			apiKey:   string(parameters.APIKey),
			now:      now,
		}
		store.s3.Handlers.Sign.PushBack(tokens.sign(parameters.ResourceCRN))
	}
	return store, nil
}

// Close closes connections.
func (s *Store) Close() { s.http.CloseIdleConnections() }

func newTransport(bundles ...[]byte) (*httpclient.Transport, error) {
	roots, err := httpclient.Roots(bundles...)
	if err != nil {
		return nil, err
	}
	return httpclient.New(httpclient.Options{Roots: roots, Proxy: http.ProxyFromEnvironment, HTTP2: true, ResponseHeader: responseTime}), nil
}

// newS3 returns a client that signs by HMAC, or not at all: tokens.sign adds tokens then,
// because the SDK fetches its own in the background, whatever the context of a
// request is.
func newS3(parameters api.ObjectStore, httpClient *http.Client) *s3.S3 {
	signing := credentials.AnonymousCredentials
	if parameters.HMACKeyID != "" {
		signing = credentials.NewStaticCredentials(parameters.HMACKeyID, string(parameters.HMACSecret), "")
	}
	config := aws.NewConfig().
		WithCredentials(signing).
		WithEndpoint(address(parameters.Endpoint)).
		WithRegion(region(parameters.Endpoint)).
		WithS3ForcePathStyle(true).
		WithHTTPClient(httpClient).
		WithLogLevel(aws.LogOff)
	config = request.WithRetryer(config, client.DefaultRetryer{
		NumMaxRetries: maxRetries,
		MinRetryDelay: firstPause,
		MaxRetryDelay: longestWait,
	})
	return s3.New(staticSession{config}, config)
}

// staticSession replaces the SDK's session, which reads environment and files.
type staticSession struct{ config *aws.Config }

// ClientConfig implements client.ConfigProvider.
func (g staticSession) ClientConfig(string, ...*aws.Config) client.Config {
	handlers := defaults.Handlers()
	handlers.Build.Remove(corehandlers.AddHostExecEnvUserAgentHander)
	return client.Config{
		Config:        g.config,
		Handlers:      handlers,
		Endpoint:      aws.StringValue(g.config.Endpoint),
		SigningRegion: aws.StringValue(g.config.Region),
	}
}

// address returns the endpoint as a URL: people write only the host, as IBM's
// documentation lists it.
func address(endpoint string) string {
	if strings.Contains(endpoint, "://") {
		return endpoint
	}
	return "https://" + endpoint
}

// region is what an HMAC signature names: IBM's hosts hold theirs, as in
// s3.eu-de.cloud-object-storage.appdomain.cloud, and others take S3's first.
func region(endpoint string) string {
	u, err := url.Parse(address(endpoint))
	if err != nil {
		return "us-east-1"
	}
	labels := strings.Split(u.Hostname(), ".")
	if strings.HasSuffix(u.Hostname(), ".cloud-object-storage.appdomain.cloud") {
		return labels[len(labels)-4]
	}
	return "us-east-1"
}

// ended is the context's own reason, if that is why err is there.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
