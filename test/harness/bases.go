package harness

// Signed base images of a vendor, and files with the parameters that verify them,
// for the user to copy into sbs-config.json.

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/test/harness/publisher"
)

// vendorKeyNames are the files of the vendor's public keys, by signing method.
var vendorKeyNames = map[string]string{
	api.SigningDCT:      "vendor-dct.key",
	api.SigningSimple:   "vendor-simple.asc",
	api.SigningSigstore: "vendor-sigstore.pem",
}

func (s *Stack) startVendor(ctx context.Context) error {
	dir, err := s.dir.part("vendor")
	if err != nil {
		return err
	}
	started, err := publisher.Start(ctx, dir, s.base, s.Notary)
	if err != nil {
		return err
	}
	s.Vendor = started
	s.onClose(started.Close)
	for _, base := range started.Bases {
		if err := s.dir.write(vendorKeyNames[base.Method], []byte(base.Key)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Stack) signedBases() []signedBase {
	var bases []signedBase
	for _, base := range s.Vendor.Bases {
		bases = append(bases, signedBase{base.Image, base.Digest, base.Method, base.KeyID, s.dir.path(vendorKeyNames[base.Method])})
	}
	return bases
}

// rule is one object of BASE_IMAGE_POLICY.
type rule struct {
	Image   string `json:"image"`
	Method  string `json:"method"`
	KeyFile string `json:"key_file"`
	Server  string `json:"server,omitempty"`
}

// baseSamples returns the entries of sbs-config.json that require signed base
// images, by the parameter that does so.
func (s *Stack) baseSamples() map[string]map[string]any {
	samples := map[string]map[string]any{}
	sample := func(parameter, image string, values map[string]any) {
		reader := s.Vendor.Registry.Reader()
		values["DOCKER_BASE_SERVER"] = s.Vendor.Registry.Address()
		values["DOCKER_BASE_USER"] = reader.User
		values["DOCKER_BASE_PASSWORD"] = reader.Password
		values["ARG"] = map[string]string{"BASE": image}
		samples[parameter] = values
	}
	var policy []rule
	for _, base := range s.Vendor.Bases {
		keyFile := s.dir.path(vendorKeyNames[base.Method])
		one := rule{Image: base.Image, Method: base.Method, KeyFile: keyFile}
		switch base.Method {
		case api.SigningDCT:
			one.Server = s.Notary.URL()
			sample("DOCKER_CONTENT_TRUST_BASE", base.Image, map[string]any{
				"DOCKER_CONTENT_TRUST_BASE": "True", "DOCKER_CONTENT_TRUST_BASE_SERVER": s.Notary.URL()})
		case api.SigningSimple:
			sample("ICR_BASE_REPO", base.Image, map[string]any{
				"ICR_BASE_REPO": base.Image, "ICR_BASE_REPO_PUBLIC_KEY": keyFile})
		case api.SigningSigstore:
			sample("BASE_IMAGE_SIGSTORE_KEY", base.Image, map[string]any{"BASE_IMAGE_SIGSTORE_KEY": base.Key})
			sample("BASE_IMAGE_POLICY", base.Image, map[string]any{})
		}
		policy = append(policy, one)
	}
	samples["BASE_IMAGE_POLICY"]["BASE_IMAGE_POLICY"] = policy
	return samples
}

// writeBaseSamples writes the samples, and a complete configuration with one of
// them: the stack's with a policy.
func (s *Stack) writeBaseSamples(given configuration) error {
	samples := s.baseSamples()
	if err := s.writeJSON(baseSamplesName, samples); err != nil {
		return err
	}
	text, err := json.Marshal(given)
	if err != nil {
		return fmt.Errorf("encode %s: %w", signedBaseName, err)
	}
	var filled map[string]any
	if err := json.Unmarshal(text, &filled); err != nil {
		return fmt.Errorf("encode %s: %w", signedBaseName, err)
	}
	for key, value := range samples["BASE_IMAGE_POLICY"] {
		filled[key] = value
	}
	return s.writeJSON(signedBaseName, filled)
}
