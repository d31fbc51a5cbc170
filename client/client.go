package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/client/certs"
)

// Client is a connection to one server. It is safe for concurrent use. Close it.
type Client struct {
	base   string // https://host:port
	http   *http.Client
	pinned atomic.Pointer[x509.Certificate] // nil until Pin
}

// Bounds of waiting. What streams has no bound but its context.
const (
	connectTimeout = 15 * time.Second
	answerTimeout  = 2 * time.Minute // for the head of a reply: clean may wait for a container to stop
)

// New returns a client of the server at hostname, which must be in the server's
// certificate, and port. Nothing is sent yet.
func New(hostname, port string, identity certs.Identity) *Client {
	dialer := &net.Dialer{Timeout: connectTimeout}
	c := &Client{base: "https://" + net.JoinHostPort(hostname, port)}
	c.http = &http.Client{
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           dialer.DialContext,
			TLSHandshakeTimeout:   connectTimeout,
			ResponseHeaderTimeout: answerTimeout,
			TLSClientConfig: &tls.Config{
				MinVersion:       tls.VersionTLS13,
				ServerName:       hostname,
				RootCAs:          identity.Roots,
				Certificates:     []tls.Certificate{identity.TLS},
				VerifyConnection: c.checkPin,
			},
		},
		// The server never redirects; one that does is not the server.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c
}

// Close closes connections that are idle.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Init gives a new server its parameters, as config.Parameters makes them.
func (c *Client) Init(ctx context.Context, parameters []byte) (api.Answer, error) {
	return c.configure(ctx, request{"init", http.MethodPost, api.PathImage, json.RawMessage(parameters)})
}

// Update replaces the parameters of a server.
func (c *Client) Update(ctx context.Context, parameters []byte) (api.Answer, error) {
	return c.configure(ctx, request{"update", http.MethodPatch, api.PathImage, json.RawMessage(parameters)})
}

func (c *Client) configure(ctx context.Context, r request) (api.Answer, error) {
	answer, err := c.answer(ctx, r)
	if err == nil && answer.Status != api.StatusOK {
		return api.Answer{}, &Error{Operation: r.operation, Code: answer.Code, Key: answer.Key, Message: answer.Status}
	}
	return answer, err
}

// Build starts a build and returns when it runs.
func (c *Client) Build(ctx context.Context) (api.Answer, error) {
	answer, err := c.answer(ctx, request{"build", http.MethodPut, api.PathImage, emptyBody})
	if err == nil && !strings.HasPrefix(answer.Status, "OK") {
		return api.Answer{}, &Error{Operation: "build", Code: answer.Code, Key: answer.Key, Message: answer.Status}
	}
	return answer, err
}

// Clean stops the build that runs, if any, and removes what it left.
func (c *Client) Clean(ctx context.Context) (api.Answer, error) {
	return c.answer(ctx, request{"clean", http.MethodDelete, api.PathImage, emptyBody})
}

// Status is the status of the server and of its latest build.
type Status struct {
	api.Status
	Raw json.RawMessage // the reply as it came, for programs that show all of it
}

// Status requests the progress of the server's latest build.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var status Status
	err := c.value(ctx, request{"status", http.MethodGet, api.PathImage, emptyBody}, &status.Raw)
	if err == nil {
		err = unmarshal("status", status.Raw, &status.Status)
	}
	return status, err
}

// PublicKey returns the key that verifies the manifest of a build; buildName ""
// means the latest that succeeded.
func (c *Client) PublicKey(ctx context.Context, buildName string) (api.PublicKey, error) {
	const operation = "get-publickey"
	var key api.PublicKey
	if err := c.value(ctx, request{operation, http.MethodGet, api.PathPublicKey, selector(buildName)}, &key); err != nil {
		return api.PublicKey{}, err
	}
	if key.PublicKeyPEM == "" || !fileName(key.BuildName) {
		return api.PublicKey{}, unexpected(operation, "the reply has no key or no proper build name")
	}
	return key, nil
}

// ImageDigest returns the latest image with its digest:
// registry/namespace/name@sha256:<hex>.
func (c *Client) ImageDigest(ctx context.Context) (string, error) {
	var digest string
	err := c.value(ctx, request{"get-digest", http.MethodGet, api.PathImageDigest, emptyBody}, &digest)
	return digest, err
}

// ImageConfig returns what a deployment of the latest image needs.
func (c *Client) ImageConfig(ctx context.Context) (api.ImageConfig, error) {
	const operation = "get-config-json"
	var config api.ImageConfig
	if err := c.value(ctx, request{operation, http.MethodGet, api.PathConfigJSON, emptyBody}, &config); err != nil {
		return api.ImageConfig{}, err
	}
	if !fileName(strings.ReplaceAll(config.RepositoryName, "/", "-")) {
		return api.ImageConfig{}, unexpected(operation, "the reply has no proper repository name")
	}
	return config, nil
}

// logPath is the path of a log.
func logPath(name string) string {
	return strings.Replace(api.PathLog, "{name}", url.PathEscape(name), 1)
}

// selector names a build; an empty one names none.
func selector(buildName string) any {
	if buildName == "" {
		return emptyBody
	}
	return api.BuildSelector{BuildName: buildName}
}

// fileName reports whether a name that the server sent may become a file's:
// one visible component, and short enough for an ending.
func fileName(name string) bool {
	return name != "" && len(name) <= 240 && name[0] != '.' && name[0] != '-' &&
		strings.IndexFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '/' || r == '\\' }) < 0
}
