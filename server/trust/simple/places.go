package simple

// The two places for signatures: the registry, if it takes them, or our store.

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/opensbs/sbs/server/trust"
	"github.com/opensbs/sbs/server/trust/registry"
)

// Store is a lookaside store: it keeps the signatures of registries that take
// none. An image in it is called <namespaces>/<name>@sha256=<hex>.
type Store interface {
	// Signatures are those of one image, in the order they came; none is no error.
	Signatures(image string) ([][]byte, error)
	// AddSignature keeps one more, durably.
	AddSignature(image string, signature []byte) error
}

// supportHeader is how a registry says that it has the extension API.
const supportHeader = "X-Registry-Supports-Signatures"

func (s *Signer) place(ctx context.Context, repository *registry.Repository, image trust.Image) (place, error) {
	request, err := http.NewRequest(http.MethodGet, "/v2/", nil)
	if err != nil {
		return nil, err
	}
	response, err := repository.Do(ctx, request)
	if err != nil {
		return nil, fmt.Errorf("ask the registry whether it keeps signatures: %w", err)
	}
	err = errors.Join(registry.CheckStatus(response, http.StatusOK), response.Body.Close())
	if err != nil {
		return nil, fmt.Errorf("ask the registry whether it keeps signatures: %w", err)
	}
	if response.Header.Get(supportHeader) == "1" {
		return &extension{repository, image.Digest}, nil
	}
	return &lookaside{s.store, lookasideName(image)}, nil
}

// lookasideName has no host: a store belongs to one registry by configuration.
func lookasideName(image trust.Image) string {
	_, path, _ := strings.Cut(image.Repository, "/")
	return path + "@" + strings.Replace(image.Digest, ":", "=", 1)
}

type lookaside struct {
	store Store
	image string
}

func (l *lookaside) list(context.Context) ([][]byte, error) { return l.store.Signatures(l.image) }

func (l *lookaside) add(_ context.Context, signature []byte) error {
	return l.store.AddSignature(l.image, signature)
}

func (*lookaside) String() string { return "the lookaside store of this server" }

// extension is the signature extension API of OpenShift's registry, which IBM
// Cloud Container Registry has too.
type extension struct {
	repository *registry.Repository
	digest     string
}

type extensionSignature struct {
	Version int    `json:"schemaVersion"` // 2
	Name    string `json:"name"`          // <digest>@<32 hex digits>
	Type    string `json:"type"`          // "atomic"
	Content []byte `json:"content"`
}

type extensionList struct {
	Signatures []extensionSignature `json:"signatures"`
}

func (*extension) String() string { return "the registry" }

func (e *extension) list(ctx context.Context) ([][]byte, error) {
	text, err := e.do(ctx, http.MethodGet, nil, http.StatusOK)
	if err != nil {
		return nil, fmt.Errorf("get the registry's signatures: %w", err)
	}
	var answer extensionList
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, fmt.Errorf("get the registry's signatures: %w", err)
	}
	var signatures [][]byte
	for _, signature := range answer.Signatures {
		if signature.Version == 2 && signature.Type == "atomic" && len(signature.Content) <= maxSignature {
			signatures = append(signatures, signature.Content)
		}
	}
	return signatures, nil
}

func (e *extension) add(ctx context.Context, signature []byte) error {
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		return fmt.Errorf("name a signature: %w", err)
	}
	body, err := json.Marshal(extensionSignature{2, e.digest + "@" + hex.EncodeToString(id[:]), "atomic", signature})
	if err != nil {
		return fmt.Errorf("encode a signature: %w", err)
	}
	if _, err := e.do(ctx, http.MethodPut, body, http.StatusCreated); err != nil {
		return fmt.Errorf("put a signature into the registry: %w", err)
	}
	return nil
}

func (e *extension) do(ctx context.Context, method string, body []byte, want int) (answer []byte, err error) {
	path := "/extensions/v2/" + e.repository.Name.RepositoryStr() + "/signatures/" + e.digest
	request, err := http.NewRequest(method, path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	response, err := e.repository.Do(ctx, request)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	if err := registry.CheckStatus(response, want); err != nil {
		return nil, err
	}
	return io.ReadAll(response.Body)
}
