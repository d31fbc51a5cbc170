//go:build stack

package e2e

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/test/harness/loopback"
	"github.com/opensbs/sbs/test/harness/proxy"
	"github.com/opensbs/sbs/test/kit"
)

// proxyPassword is the password of the proxy.
const proxyPassword = "the-proxy's-pass-word"

// proxiedEnvironment is a stack whose server reaches the git server, the notary
// server and the object store by names that only a proxy can resolve.
type proxiedEnvironment struct {
	*environment
	proxy *proxy.Server
	ca    string            // CA of the names' certificate, in PEM
	names map[string]string // by part: https://NAME
}

func startWithProxy(t *testing.T) *proxiedEnvironment {
	t.Helper()
	forward, err := proxy.Start(t.Context(), proxy.Options{User: "staff", Password: proxyPassword})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeWithin(t, forward.Close) })
	with := programs
	with.ServerEnvironment = []string{"HTTPS_PROXY=" + forward.URL().String(), "NO_PROXY=inside.sbs.test"}
	env := freshWith(t, with)
	b := &proxiedEnvironment{environment: env, proxy: forward, names: map[string]string{}}
	b.serveNames(t, map[string]string{
		"git": env.Git.HTTPSURL(""), "notary": env.Notary.URL(), "store": env.ObjectStore.Endpoint(), "tokens": env.ObjectStore.AuthEndpoint(),
	})
	return b
}

// serveNames gives each part a name, starts a server with a certificate of all names
// that forwards requests to the parts, and adds the names to the proxy.
func (b *proxiedEnvironment) serveNames(t *testing.T, parts map[string]string) {
	t.Helper()
	targets := map[string]*url.URL{}
	var names []string
	for part, address := range parts {
		target, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		target.Path = ""
		name := part + ".sbs.test"
		names = append(names, name)
		targets[name] = target
		b.names[part] = "https://" + name
	}
	forwarder := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(targets[r.In.Host]) },
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}, // between parts of the test only
	}
	config, ca := certificateFor(t, names)
	server, err := loopback.Serve(t.Context(), forwarder, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeWithin(t, server.Close) })
	for _, name := range names {
		b.proxy.AddHost(name+":443", server.Address())
	}
	b.ca = ca
}

func closeWithin(t *testing.T, stop func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), kit.Timeout)
	defer cancel()
	if err := stop(ctx); err != nil {
		t.Error(err)
	}
}

func certificateFor(t *testing.T, names []string) (*tls.Config, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "names"}, DNSNames: names,
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}},
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// The server connects through a proxy with a password: the clone, the signature and
// the upload use it, the steps of the Dockerfile have its address in their
// environment, and its password is visible nowhere.
func TestBuildThroughProxy(t *testing.T) {
	b := startWithProxy(t)
	var described struct {
		User  string `json:"git_user"`
		Token string `json:"git_token"`
	}
	if err := json.Unmarshal([]byte(read(t, b.Dir(), "stack.json")), &described); err != nil {
		t.Fatal(err)
	}
	b.repository(t, "proxied.git", files{"Dockerfile": "FROM " + b.BaseImage + "\nRUN echo seen $HTTPS_PROXY $https_proxy $NO_PROXY; env\n"})
	tokens, err := url.Parse(b.ObjectStore.AuthEndpoint())
	if err != nil {
		t.Fatal(err)
	}
	b.Initialise(t, "proxied", map[string]any{
		"GITHUB_URL": b.names["git"] + "/proxied.git", "GITHUB_USER": described.User, "GITHUB_TOKEN": described.Token, "GITHUB_CA": b.ca, "GITHUB_KEY": nil,
		"DOCKER_CONTENT_TRUST_PUSH_SERVER": b.names["notary"], "DOCKER_CONTENT_TRUST_CA": b.ca, "IMAGE_SIGNING": []string{api.SigningDCT},
		"MANIFEST_BUCKET_NAME": "manifests", "MANIFEST_COS_ENDPOINT": b.names["store"], "MANIFEST_COS_CA": b.ca,
		"MANIFEST_COS_AUTH_ENDPOINT": b.names["tokens"] + tokens.Path,
		"MANIFEST_COS_API_KEY_ID":    b.ObjectStore.APIKey(), "MANIFEST_COS_RESOURCE_CRN": b.ObjectStore.ResourceCRN(),
	})
	built := b.MustBuild(t)

	seen := slices.Sorted(slices.Values(b.proxy.Tunneled()))
	if want := []string{"git.sbs.test:443", "notary.sbs.test:443", "store.sbs.test:443", "tokens.sbs.test:443"}; !slices.Equal(seen, want) {
		t.Errorf("the proxy opened tunnels to %q, want %q", seen, want)
	}
	address := *b.proxy.URL()
	address.User = nil
	if want := "seen " + address.String() + " " + address.String() + " inside.sbs.test"; !strings.Contains(built.Log(), want) {
		t.Errorf("a step does not have the proxy in its environment, want %q:\n%s", want, built.Log())
	}
	image := b.pull(t, b.ImageOf("proxied"))
	history := kit.MustExecute(t, "", nil, "", "docker", "history", "--no-trunc", image)
	inspected := kit.MustExecute(t, "", nil, "", "docker", "image", "inspect", image)
	if strings.Contains(history.Out+inspected.Out, address.Host) {
		t.Error("the image contains the address of the proxy")
	}
	planted := secrets{{"the proxy's password", proxyPassword}, {"the same in a URL", url.QueryEscape(proxyPassword)}}
	b.checkHiddenFromUsers(t, planted)
	b.checkHiddenEverywhere(t, planted)
}
