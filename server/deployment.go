package server

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/opensbs/sbs/api"
)

// imageDigest answers the name by digest of the latest image.
func (s *Server) imageDigest(w http.ResponseWriter, _ *http.Request) error {
	record, _, err := s.latest()
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusCreated, record.Repository+"@"+record.ImageDigest)
	return nil
}

// configJSON answers what a deployment of the latest image needs.
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

// configPython answers the same as Python text: RUNTIME_TYPE classic reads it.
// Texts and lists of texts are written the same in JSON and in Python.
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
	parameters, err := s.current()
	if err != nil {
		return api.ImageConfig{}, err
	}
	record, _, err := s.latest()
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
