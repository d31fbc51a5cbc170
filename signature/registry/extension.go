package registry

// The signature extension API of OpenShift's registry, which IBM Cloud Container
// Registry has too: GET and PUT /extensions/v2/<repository>/signatures/<digest>.

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

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// supportHeader is the header of a registry that has the extension API.
const supportHeader = "X-Registry-Supports-Signatures"

type extensionSignature struct {
	Version int    `json:"schemaVersion"` // 2
	Name    string `json:"name"`          // <digest>@<32 hex digits>
	Type    string `json:"type"`          // "atomic"
	Content []byte `json:"content"`
}

type extensionList struct {
	Signatures []extensionSignature `json:"signatures"`
}

// KeepsSignatures reports whether the registry has the extension API.
func (r *Repository) KeepsSignatures(ctx context.Context) (bool, error) {
	request, err := http.NewRequest(http.MethodGet, "/v2/", nil)
	if err != nil {
		return false, err
	}
	response, err := r.do(ctx, request)
	if err == nil {
		err = r.Explain(ctx, errors.Join(transport.CheckError(response, http.StatusOK), response.Body.Close()))
	}
	if err != nil {
		return false, fmt.Errorf("ask the registry whether it keeps signatures: %w", err)
	}
	return response.Header.Get(supportHeader) == "1", nil
}

// Signatures are those that the registry keeps for a manifest, by any signer.
func (r *Repository) Signatures(ctx context.Context, digest string) ([][]byte, error) {
	text, err := r.extension(ctx, http.MethodGet, digest, nil, http.StatusOK)
	if err != nil {
		return nil, fmt.Errorf("get the registry's signatures: %w", err)
	}
	var answer extensionList
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, fmt.Errorf("get the registry's signatures: %w", err)
	}
	var signatures [][]byte
	for _, signature := range answer.Signatures {
		if signature.Version == 2 && signature.Type == "atomic" {
			signatures = append(signatures, signature.Content)
		}
	}
	return signatures, nil
}

// AddSignature gives the registry one more to keep.
func (r *Repository) AddSignature(ctx context.Context, digest string, signature []byte) error {
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		return fmt.Errorf("name a signature: %w", err)
	}
	body, err := json.Marshal(extensionSignature{2, digest + "@" + hex.EncodeToString(id[:]), "atomic", signature})
	if err != nil {
		return fmt.Errorf("encode a signature: %w", err)
	}
	if _, err := r.extension(ctx, http.MethodPut, digest, body, http.StatusCreated); err != nil {
		return fmt.Errorf("put a signature into the registry: %w", err)
	}
	return nil
}

func (r *Repository) extension(ctx context.Context, method, digest string, body []byte, want int) (answer []byte, err error) {
	path := "/extensions/v2/" + r.Name.RepositoryStr() + "/signatures/" + digest
	request, err := http.NewRequest(method, path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	response, err := r.do(ctx, request)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	if err := transport.CheckError(response, want); err != nil {
		return nil, r.Explain(ctx, err)
	}
	return io.ReadAll(response.Body)
}
