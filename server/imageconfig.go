package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/job"
)

// configJSON replies with what a deployment of the latest image needs.
func (s *Server) configJSON(w http.ResponseWriter, r *http.Request) error {
	config, err := s.imageConfig()
	if err != nil {
		return err
	}
	if config.Lookaside != "" {
		config.Lookaside = "https://" + r.Host + config.Lookaside
	}
	writeJSON(w, http.StatusCreated, config)
	return nil
}

// configPython replies with the same as Python assignments, which RUNTIME_TYPE
// classic reads. Strings and lists of strings have the same form in JSON and Python.
func (s *Server) configPython(w http.ResponseWriter, _ *http.Request) error {
	config, err := s.imageConfig()
	if err != nil {
		return err
	}
	text := "# What a deployment of the image needs.\n"
	for _, line := range []struct {
		name  string
		value any
	}{
		{"repository_name", config.RepositoryName},
		{"docker_username", config.DockerUsername},
		{"docker_password", config.DockerPassword},
		{"envs_whitelist", config.EnvsWhitelist},
		{"public_key_id", config.PublicKeyID},
		{"public_key", config.PublicKey},
	} {
		literal, err := json.Marshal(line.value)
		if err != nil {
			return fmt.Errorf("write Python text: %w", err)
		}
		text += fmt.Sprintf("%s = %s\n", line.name, literal)
	}
	writeText(w, http.StatusCreated, text)
	return nil
}

func (s *Server) imageConfig() (api.ImageConfig, error) {
	parameters, err := s.Parameters.Current()
	if err != nil {
		return api.ImageConfig{}, err
	}
	record, _, err := s.History.Latest()
	if err != nil {
		return api.ImageConfig{}, err
	}
	config := api.ImageConfig{
		RepositoryName: record.Repository,
		DockerUsername: parameters.ROUser,
		DockerPassword: parameters.ROPassword,
		EnvsWhitelist:  append([]string{}, parameters.EnvWhitelist...),
	}
	return config, s.describeSignatures(&config, record)
}

// describeSignatures adds all signatures of the image to config, and separately the
// first one that the images section of a contract accepts.
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
		kept, err := s.Lookaside.Signatures(lookasideName(record))
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

// attestationKey returns the key that verifies all attestations of the image.
func attestationKey(record job.Record) (api.ImageSignature, bool) {
	if len(record.Attestations) == 0 {
		return api.ImageSignature{}, false
	}
	first := record.Attestations[0]
	return api.ImageSignature{Method: api.KeyOfAttestations, ID: first.PublicKeyID, Key: first.PublicKey}, true
}

// lookasideName returns the name of the image in a lookaside store: without the host.
func lookasideName(record job.Record) string {
	_, path, _ := strings.Cut(record.Repository, "/")
	return path + "@" + strings.Replace(record.ImageDigest, ":", "=", 1)
}
