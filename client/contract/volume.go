package contract

// The seeds of a data volume in the env section.

import (
	"fmt"
	"regexp"

	"github.com/opensbs/sbs/api/public"
)

var (
	uvSecret      = regexp.MustCompile(`^index-[1-8]$`)
	grep11Address = regexp.MustCompile(`^([a-zA-Z0-9-]+\.)*[a-zA-Z0-9-]+:[0-9]{1,5}$`)
	base64Text    = regexp.MustCompile(`^[A-Za-z0-9+/=]+$`)
	keyBlob       = regexp.MustCompile(`^([A-Za-z0-9+/=]+|\*+)$`)
)

const maxKMSTimeout = 20 // minutes

// checkSeeds makes sure that the volume has one kind of seed. A seed of the firmware
// is named by its index.
func (v EnvVolume) checkSeeds(at string) error {
	switch {
	case v.Seed != "" && v.UVSecretID != "":
		return fmt.Errorf("%s: it has a seed or an uv-secret-id, not both", at)
	case v.UVSecretID == "" && v.UVPreviousSecretID != "":
		return fmt.Errorf("%s.uv-previous-secret-id: it goes with an uv-secret-id", at)
	case v.UVSecretID != "" && !uvSecret.MatchString(v.UVSecretID):
		return fmt.Errorf("%s.uv-secret-id: it is index-1 to index-8", at)
	case v.UVPreviousSecretID != "" && !uvSecret.MatchString(v.UVPreviousSecretID):
		return fmt.Errorf("%s.uv-previous-secret-id: it is index-1 to index-8", at)
	case v.KMSTimeout < 0 || v.KMSTimeout > maxKMSTimeout:
		return fmt.Errorf("%s.kmsTimeout: it is 0 to %d", at, maxKMSTimeout)
	}
	if err := v.GREP11.check(at + ".grep11"); err != nil {
		return err
	}
	if v.UVSecretID == "" || v.PreviousSeed != "" {
		seed := v.Seed
		if v.UVSecretID != "" {
			seed = v.PreviousSeed // there is no other
		}
		return checkSeeds(at, seed, v.PreviousSeed)
	}
	return nil
}

func (g *GREP11) check(at string) error {
	if g == nil {
		return nil
	}
	if !grep11Address.MatchString(g.Address) {
		return fmt.Errorf("%s.address: it is host:port", at)
	}
	for _, member := range []struct{ name, value string }{
		{"clientCert", g.ClientCert}, {"clientKey", g.ClientKey}, {"caCert", g.CACert},
	} {
		if !base64Text.MatchString(member.value) {
			return fmt.Errorf("%s.%s: it is base64", at, member.name)
		}
		if err := public.Check([]byte(member.value)); member.name != "clientKey" && err != nil {
			return fmt.Errorf("%s.%s: the text %w", at, member.name, err)
		}
	}
	if !keyBlob.MatchString(g.Metadata.AESKeyBlob) {
		return fmt.Errorf("%s.metadata.aesKeyBlob: it is base64", at)
	}
	if previous := g.Metadata.PreviousAESKeyBlob; previous != "" && !keyBlob.MatchString(previous) {
		return fmt.Errorf("%s.metadata.previousaesKeyBlob: it is base64", at)
	}
	return nil
}
