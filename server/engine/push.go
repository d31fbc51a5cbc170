package engine

// A push is done by the Engine; what counts here is the registry's answer, the
// digest under which it stored the manifest.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/distribution/reference"
	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/image"
	registrytypes "github.com/docker/docker/api/types/registry"
	"github.com/docker/docker/pkg/jsonmessage"
	"github.com/opencontainers/go-digest"
)

// Pushed is what the registry stored.
type Pushed struct {
	Digest string // manifest digest: "sha256:" and 64 hex digits
	Size   int64  // size of the manifest in bytes
}

var errNoDigest = errors.New("the Engine ended the push without telling the digest of the manifest")

// Push pushes the image tagged reference ("host/repository:tag") to its
// registry. What the Engine tells goes to output as it comes, a line for each
// change of a layer's status. Credentials for another registry than the
// reference's are refused before anything is sent; the zero Registry pushes
// anonymously.
//
// The error is ErrUnauthorized when the registry refused the credentials.
func (e *Engine) Push(ctx context.Context, reference string, credentials Registry, output io.Writer) (Pushed, error) {
	pushed, err := e.push(ctx, reference, credentials, output)
	if err != nil {
		return Pushed{}, fmt.Errorf("push %s: %w", reference, ended(ctx, err))
	}
	return pushed, nil
}

func (e *Engine) push(ctx context.Context, name string, credentials Registry, output io.Writer) (Pushed, error) {
	tagged, err := parseTag(name)
	if err != nil {
		return Pushed{}, err
	}
	encoded, err := encodeCredentials(reference.Domain(tagged), credentials)
	if err != nil {
		return Pushed{}, err
	}
	stream, err := e.api.ImagePush(ctx, tagged.String(), image.PushOptions{RegistryAuth: encoded})
	if err != nil {
		return Pushed{}, unreachable(ctx, e.api.DaemonHost(), err)
	}
	defer stream.Close()
	return followPush(stream, output)
}

// encodeCredentials is the X-Registry-Auth header of a push to host.
func encodeCredentials(host string, credentials Registry) (string, error) {
	anonymous := credentials == Registry{}
	if !anonymous && registryHost(credentials.Server) != registryHost(host) {
		return "", fmt.Errorf("the credentials are for %q, not for %q", credentials.Server, host)
	}
	encoded, err := registrytypes.EncodeAuthConfig(credentials.authConfig())
	if err != nil {
		return "", fmt.Errorf("encode the credentials: %w", err)
	}
	return encoded, nil
}

// followPush writes the stream of a push as lines and takes the registry's
// answer out of it.
func followPush(stream io.Reader, output io.Writer) (Pushed, error) {
	var pushed Pushed
	lines := newStatusLines(output)
	err := readMessages(stream, func(message jsonmessage.JSONMessage) error {
		if message.Aux == nil {
			return lines.write(message)
		}
		var result types.PushResult
		if err := json.Unmarshal(*message.Aux, &result); err != nil {
			return fmt.Errorf("read the result of the push: %w", err)
		}
		if result.Digest != "" {
			pushed = Pushed{Digest: result.Digest, Size: int64(result.Size)}
		}
		return nil
	})
	if err != nil {
		return Pushed{}, err
	}
	if pushed.Digest == "" {
		return Pushed{}, errNoDigest
	}
	if err := digest.Digest(pushed.Digest).Validate(); err != nil {
		return Pushed{}, fmt.Errorf("the digest that the Engine told, %q: %w", pushed.Digest, err)
	}
	return pushed, nil
}
