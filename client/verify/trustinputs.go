package verify

// A trust file out of what a server answers.

import (
	"fmt"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/provenance"
)

// Server is what a server answers, and what it was asked to do.
type Server struct {
	Image      api.ImageConfig // config-json
	Manifest   api.PublicKey   // publickey
	Enclave    string          // of status
	Parameters api.Parameters  // of sbs-config.json
}

// Trust is the trust file for the images that this server builds. It is worth
// as much as the way on which the answers came.
func (s Server) Trust() (Trust, error) {
	t := Trust{
		Version:    trustVersion,
		Repository: s.Image.RepositoryName,
		Source:     s.Parameters.GitHubURL,
	}
	if s.Enclave != "" { // the servers that don't say it make no provenance either
		t.Builder = provenance.BuilderID(s.Enclave)
	}
	key, err := NewKey("", s.Manifest.PublicKeyPEM)
	if err != nil {
		return Trust{}, fmt.Errorf("the manifest's key: %w", err)
	}
	t.Manifest = &key
	for _, signature := range s.Image.Signatures {
		if signature.Method == api.KeyOfAttestations {
			key, err := NewKey("", signature.Key)
			if err != nil {
				return Trust{}, fmt.Errorf("the key of attestations: %w", err)
			}
			t.Attestations, t.Published = &key, s.Parameters.Published()
			continue
		}
		key, err := NewKey(signature.Method, signature.Key)
		if err != nil {
			return Trust{}, fmt.Errorf("the key of the signature %s: %w", signature.Method, err)
		}
		t.Signatures = append(t.Signatures, key)
		if signature.Method == api.SigningDCT {
			t.Notary, t.NotaryCA = s.Parameters.TrustPushServer, s.Parameters.TrustCA
		}
	}
	return t, t.Check()
}
