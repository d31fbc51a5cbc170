package contract_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/client/advice"
	"github.com/opensbs/sbs/client/contract"
)

const openPGP = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n"

var (
	dct      = api.ImageSignature{Method: api.SigningDCT, ID: "0a", Key: "LS0tLS1CRUdJTg=="}
	simple   = api.ImageSignature{Method: api.SigningSimple, ID: "0B", Key: openPGP}
	sigstore = api.ImageSignature{Method: api.SigningSigstore, ID: "0c", Key: "-----BEGIN PUBLIC KEY-----"}
)

func TestImages(t *testing.T) {
	armour := base64.StdEncoding.EncodeToString([]byte(openPGP))
	both := "images:\n  dct:\n    us.icr.io/ns/app:\n      notary: \"https://notary.example.com\"\n      publicKey: \"LS0tLS1CRUdJTg==\"\n" +
		"  rhs:\n    \"us.icr.io/ns/app\":\n      publicKey: \"" + armour + "\"\n"
	onlySimple := "images:\n  rhs:\n    \"us.icr.io/ns/app\":\n      publicKey: \"" + armour + "\"\n"
	tagged := strings.Replace(onlySimple, "ns/app", "ns/app:v1-0123abc", 1)
	for name, test := range map[string]struct {
		repository string
		signatures []api.ImageSignature
		notary     string
		tag        string
		want       string // the YAML, or
		says       string // the error
	}{
		"both kinds":           {"us.icr.io/ns/app", []api.ImageSignature{simple, dct, sigstore}, "notary.example.com", "", both, ""},
		"a URL of the notary":  {"us.icr.io/ns/app", []api.ImageSignature{dct, simple}, "https://notary.example.com", "", both, ""},
		"simple alone":         {"us.icr.io/ns/app", []api.ImageSignature{simple, sigstore}, "", "", onlySimple, ""},
		"one tag":              {"us.icr.io/ns/app", []api.ImageSignature{simple, dct}, "notary.example.com", "v1-0123abc", tagged, ""},
		"no notary":            {"us.icr.io/ns/app", []api.ImageSignature{dct}, "", "", "", "notary server"},
		"no such signature":    {"us.icr.io/ns/app", []api.ImageSignature{sigstore}, "", "", "", "no signature that a contract takes"},
		"no dot":               {"localhost/ns/app", []api.ImageSignature{simple}, "", "", "", "host name with a dot"},
		"a port":               {"registry.example.com:5000/ns/app", []api.ImageSignature{simple}, "", "", "", "has a port"},
		"no namespace":         {"registry.example.com/app", []api.ImageSignature{simple}, "", "", "", "no namespace"},
		"a short tag":          {"us.icr.io/ns/app", []api.ImageSignature{simple}, "", "v1", "", "shorter than 3"},
		"no tag at all":        {"us.icr.io/ns/app", []api.ImageSignature{simple}, "", "a\nb: c", "", "is no tag"},
		"a tag without simple": {"us.icr.io/ns/app", []api.ImageSignature{dct}, "notary.example.com", "latest", "", "simple signing"},
	} {
		t.Run(name, func(t *testing.T) {
			images, err := contract.ImagesSection(api.ImageConfig{RepositoryName: test.repository, Signatures: test.signatures}, test.notary, test.tag)
			if test.says != "" {
				if err == nil || !strings.Contains(err.Error(), test.says) || advice.Next(err) == "" {
					t.Errorf("error %v, with the advice %q", err, advice.Next(err))
				}
				return
			}
			if err != nil || images.YAML() != test.want {
				t.Errorf("%v, got\n%s, want\n%s", err, images.YAML(), test.want)
			}
		})
	}
}
