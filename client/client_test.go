package client

import (
	"context"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
)

// received is what a peer saw of one request.
type received struct{ method, path, contentType, body string }

// answering returns a handler that notes each request and replies with a status
// code and a body.
func answering(seen *received, code int, reply string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(err)
		}
		*seen = received{r.Method, r.URL.Path, r.Header.Get("Content-Type"), string(body)}
		w.WriteHeader(code)
		if _, err := io.WriteString(w, reply); err != nil {
			panic(err)
		}
	}
}

// TestRequests holds every route to the protocol: method, path, a JSON body in
// every request, and the reply that counts as success.
func TestRequests(t *testing.T) {
	ids := usualIdentities(t)
	const key = `{"public_key_pem":"PEM","build_name":"docker.io.ns.name.1"}`
	for _, test := range []struct {
		name  string
		code  int
		reply string
		call  func(context.Context, *Client) (any, error)
		want  received
		value any
	}{
		{"init", 200, `{"status":"OK"}`, func(ctx context.Context, c *Client) (any, error) { return c.Init(ctx, []byte(`{"A":"b"}`)) },
			received{"POST", "/image", "application/json", `{"A":"b"}`}, api.Answer{Status: "OK"}},
		{"update", 200, `{"status":"OK"}`, func(ctx context.Context, c *Client) (any, error) { return c.Update(ctx, []byte(`{}`)) },
			received{"PATCH", "/image", "application/json", `{}`}, api.Answer{Status: "OK"}},
		{"build", 200, `{"status":"OK: async build started"}`, func(ctx context.Context, c *Client) (any, error) { return c.Build(ctx) },
			received{"PUT", "/image", "application/json", `""`}, api.Answer{Status: "OK: async build started"}},
		{"clean", 200, `{"status":"restarted cicd"}`, func(ctx context.Context, c *Client) (any, error) { return c.Clean(ctx) },
			received{"DELETE", "/image", "application/json", `""`}, api.Answer{Status: "restarted cicd"}},
		{"status", 200, `{"status":"success","image_tag":"v1","unknown":1}`, func(ctx context.Context, c *Client) (any, error) { s, err := c.Status(ctx); return s.Status, err },
			received{"GET", "/image", "application/json", `""`}, api.Status{Status: "success", ImageTag: "v1"}},
		{"log", 200, `{"log":"a\nb\n"}`, func(ctx context.Context, c *Client) (any, error) {
			var text strings.Builder
			err := c.Log(ctx, "build", &text)
			return text.String(), err
		}, received{"GET", "/log/build", "application/json", `""`}, "a\nb\n"},
		{"publickey", 200, key, func(ctx context.Context, c *Client) (any, error) { return c.PublicKey(ctx, "") },
			received{"GET", "/publickey", "application/json", `""`}, api.PublicKey{PublicKeyPEM: "PEM", BuildName: "docker.io.ns.name.1"}},
		{"publickey of a build", 200, key, func(ctx context.Context, c *Client) (any, error) { return c.PublicKey(ctx, "x") },
			received{"GET", "/publickey", "application/json", `{"BUILD_NAME":"x"}`}, api.PublicKey{PublicKeyPEM: "PEM", BuildName: "docker.io.ns.name.1"}},
		{"digest", 201, `"docker.io/ns/name@sha256:00"`, func(ctx context.Context, c *Client) (any, error) { return c.ImageDigest(ctx) },
			received{"GET", "/imagedigest", "application/json", `""`}, "docker.io/ns/name@sha256:00"},
		{"config", 201, `{"repository_name":"docker.io/ns/name","docker_password":"p"}`, func(ctx context.Context, c *Client) (any, error) {
			config, err := c.ImageConfig(ctx)
			return config.RepositoryName + string(config.DockerPassword), err
		}, received{"GET", "/config-json", "application/json", `""`}, "docker.io/ns/namep"},
		{"manifest", 200, `{"manifest_name":"manifest.n","encoded_manifest":"YWJj"}`, func(ctx context.Context, c *Client) (any, error) {
			var text strings.Builder
			name, err := c.Manifest(ctx, "n", &text)
			return name + "=" + text.String(), err
		}, received{"GET", "/manifest", "application/json", `{"BUILD_NAME":"n"}`}, "manifest.n=abc"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var seen received
			value, err := test.call(t.Context(), ids.with(t, answering(&seen, test.code, test.reply)))
			if err != nil {
				t.Fatal(err)
			}
			if seen != test.want {
				t.Errorf("sent %+v, want %+v", seen, test.want)
			}
			if !reflect.DeepEqual(value, test.value) {
				t.Errorf("got %+v, want %+v", value, test.value)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	ids := usualIdentities(t)
	status := func(ctx context.Context, c *Client) error { _, err := c.Status(ctx); return err }
	build := func(ctx context.Context, c *Client) error { _, err := c.Build(ctx); return err }
	initialise := func(ctx context.Context, c *Client) error { _, err := c.Init(ctx, []byte("{}")); return err }
	digest := func(ctx context.Context, c *Client) error { _, err := c.ImageDigest(ctx); return err }
	for _, test := range []struct {
		name  string
		code  int
		reply string
		call  func(context.Context, *Client) error
		want  Error
		text  string
	}{
		{"busy", 409, `{"status":"a build runs","code":"busy"}`, build, Error{HTTPStatus: 409, Code: api.CodeBusy}, "build: a build runs"},
		{"not initialised", 409, `{"status":"x","code":"not_initialised"}`, build, Error{HTTPStatus: 409, Code: api.CodeNotInitialised}, "build: x"},
		{"parameter", 400, `{"status":"GITHUB_URL: is no URL","code":"bad_parameter","key":"GITHUB_URL"}`, initialise, Error{HTTPStatus: 400, Code: api.CodeBadParameter, Key: "GITHUB_URL"}, "init: GITHUB_URL: is no URL"},
		{"forbidden", 403, `{"status":"wrong","code":"forbidden"}`, initialise, Error{HTTPStatus: 403, Code: api.CodeForbidden}, "init: wrong"},
		{"plain text", 404, "no image\x1b[31m yet\n", digest, Error{HTTPStatus: 404}, "get-digest: no image [31m yet"},
		{"empty", 502, "", status, Error{HTTPStatus: 502}, "status: 502 Bad Gateway"},
		{"not OK after all", 200, `{"status":"exiting due to x"}`, initialise, Error{}, "init: exiting due to x"},
		{"not JSON", 200, "<html>", status, Error{}, "status: the reply can't be read"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var seen received
			err := test.call(t.Context(), ids.with(t, answering(&seen, test.code, test.reply)))
			var got *Error
			if !errors.As(err, &got) {
				t.Fatalf("got %v", err)
			}
			if got.HTTPStatus != test.want.HTTPStatus || got.Code != test.want.Code || got.Key != test.want.Key {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
			if !strings.HasPrefix(got.Error(), test.text) {
				t.Errorf("got %q, want %q", got, test.text)
			}
		})
	}
}

func TestNamesThatMustNotBecomeFiles(t *testing.T) {
	for _, name := range []string{"", ".", "..", "../x", "a/b", `a\b`, ".hidden", "-rf", "a b", "a\nb", "a\x00", strings.Repeat("x", 300)} {
		if fileName(name) {
			t.Errorf("%q may become a file", name)
		}
	}
	var seen received
	c := with(t, answering(&seen, 200, `{"manifest_name":"manifest.a/../../b","encoded_manifest":"YWJj"}`))
	_, err := c.Manifest(t.Context(), "", io.Discard)
	if err == nil || !strings.Contains(err.Error(), "no proper manifest name") {
		t.Errorf("the server chose a path: %v", err)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	c := with(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == api.PathImage {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
			return
		}
		t.Errorf("the parameters were sent on to %s", r.URL.Path)
	})
	var failed *Error
	if _, err := c.Init(t.Context(), []byte(`{"SECRET":"x"}`)); !errors.As(err, &failed) || failed.HTTPStatus != http.StatusTemporaryRedirect {
		t.Errorf("got %v", err)
	}
}
