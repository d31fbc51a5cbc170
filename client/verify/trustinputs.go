package verify

// The trust file of the images of a server.

import (
	"fmt"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/provenance"
)

// TrustInputs are the replies of a server, and the parameters it was given, from
// which a trust file is made.
type TrustInputs struct {
	Image      api.ImageConfig // of config-json
	Manifest   api.PublicKey   // of publickey
	Enclave    string          // of status
	Parameters api.Parameters  // of sbs-config.json
}

// Trust returns the trust file for the images that this server builds. It is as
// trustworthy as the connection over which the replies came.
func (in TrustInputs) Trust() (Trust, error) {
	t := Trust{
		Version:    trustVersion,
		Repository: in.Image.RepositoryName,
		Source:     in.Parameters.GitHubURL,
	}
	if in.Enclave != "" { // servers without it make no provenance either
		t.Builder = provenance.BuilderID(in.Enclave)
	}
	key, err := NewKey("", in.Manifest.PublicKeyPEM)
	if err != nil {
		return Trust{}, fmt.Errorf("the manifest's key: %w", err)
	}
	t.Manifest = &key
	for _, signature := range in.Image.Signatures {
		if signature.Method == api.KeyOfAttestations {
			key, err := NewKey("", signature.Key)
			if err != nil {
				return Trust{}, fmt.Errorf("the key of attestations: %w", err)
			}
			t.Attestations, t.Published = &key, in.Parameters.Published()
			continue
		}
		key, err := NewKey(signature.Method, signature.Key)
		if err != nil {
			return Trust{}, fmt.Errorf("the key of the signature %s: %w", signature.Method, err)
		}
		t.Signatures = append(t.Signatures, key)
		if signature.Method == api.SigningDCT {
			t.Notary, t.NotaryCA = in.Parameters.TrustPushServer, in.Parameters.TrustCA
		}
	}
	return t, t.Check()
}
