package registry

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

func TestAccounts(t *testing.T) {
	server := start(t)
	tag, err := name.NewTag(server.Address()+"/some/image:1", name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	image, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	writer, reader := server.Writer(), server.Reader()
	unknown := Account{User: writer.User, Password: reader.Password}

	// In this order: the writer's push creates the image.
	for _, step := range []struct {
		name    string
		account Account
		push    bool
		refused int // HTTP status, 0 when the step must succeed
	}{
		{"a wrong password pushes", unknown, true, http.StatusUnauthorized},
		{"the reader pushes", reader, true, http.StatusForbidden},
		{"the writer pushes", writer, true, 0},
		{"the reader pulls", reader, false, 0},
		{"a wrong password pulls", unknown, false, http.StatusUnauthorized},
	} {
		t.Run(step.name, func(t *testing.T) {
			err := transfer(t.Context(), tag, image, step.account, step.push)
			if step.refused == 0 && err != nil {
				t.Fatal(err)
			}
			var refusal *transport.Error
			if step.refused != 0 && (!errors.As(err, &refusal) || refusal.StatusCode != step.refused) {
				t.Fatalf("got %v, want status %d", err, step.refused)
			}
		})
	}
}

func transfer(ctx context.Context, tag name.Tag, image v1.Image, account Account, push bool) error {
	options := []remote.Option{
		remote.WithContext(ctx),
		remote.WithAuth(authn.FromConfig(authn.AuthConfig{Username: account.User, Password: account.Password})),
	}
	if push {
		return remote.Write(tag, image, options...)
	}
	_, err := remote.Image(tag, options...)
	return err
}

func start(t *testing.T) *Server {
	t.Helper()
	server, err := Start(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return server
}
