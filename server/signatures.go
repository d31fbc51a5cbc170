package server

import (
	"errors"
	"io/fs"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/job"
)

// lookaside answers one file of the lookaside store.
func (s *Server) lookaside(w http.ResponseWriter, r *http.Request) error {
	signature, err := s.Volume.Signature(chi.URLParam(r, "*"))
	if errors.Is(err, fs.ErrNotExist) {
		return errNoSignature
	}
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(len(signature)))
	_, _ = w.Write(signature) // an error means that the client is gone
	return nil
}

// describeSignatures tells all signatures of the image, and apart from them the
// first that a contract's images section takes.
func (s *Server) describeSignatures(config *api.ImageConfig, record job.Record) error {
	config.Signatures = []api.ImageSignature{}
	for _, signature := range record.Signatures {
		config.Signatures = append(config.Signatures, api.ImageSignature{
			Method: signature.Method, ID: signature.PublicKeyID, Key: signature.PublicKey,
		})
		forContract := signature.Method == api.SigningDCT || signature.Method == api.SigningSimple
		if forContract && config.PublicKey == "" {
			config.PublicKeyID, config.PublicKey = signature.PublicKeyID, signature.PublicKey
		}
		if signature.Method != api.SigningSimple {
			continue
		}
		kept, err := s.Volume.Signatures(lookasideName(record))
		if err != nil {
			return err
		}
		if len(kept) > 0 {
			config.Lookaside = api.PathLookaside
		}
	}
	if key, ok := attestationKey(record); ok {
		config.Signatures = append(config.Signatures, key)
	}
	return nil
}

// attestationKey verifies the image's attestations; it is the same for all.
func attestationKey(record job.Record) (api.ImageSignature, bool) {
	if len(record.Attestations) == 0 {
		return api.ImageSignature{}, false
	}
	first := record.Attestations[0]
	return api.ImageSignature{Method: api.KeyOfAttestations, ID: first.PublicKeyID, Key: first.PublicKey}, true
}

// lookasideName is the image as a lookaside store calls it: without a host.
func lookasideName(record job.Record) string {
	_, path, _ := strings.Cut(record.Repository, "/")
	return path + "@" + strings.Replace(record.ImageDigest, ":", "=", 1)
}
