package config

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/opensbs/sbs/api"
)

// settings are the keys that steer the client and are not parameters of the
// server. Each is looked up by name where it is used; this table only distinguishes
// them from spelling mistakes.
var settings = []string{
	"HOSTNAME", "CICD_PORT", "IMAGE_TAG", "CONTAINER_NAME", "UUID",
	"CAPATH", "CAKEYPATH", "CLIENT_CRT_KEY", "CSRPATH", "CERTPATH",
	"SERVER_PUBLIC_KEY_FILE", "REQUIRE_ATTESTATION",
	"GITHUB_KEY_FILE", "GITHUB_KNOWN_HOSTS_FILE", "GITHUB_CA_FILE", "DOCKER_CONTENT_TRUST_CA_FILE",
	"BASE_IMAGE_SIGSTORE_KEY_FILE",
	"COS_API_KEY_ID", "COS_RESOURCE_CRN", "COS_AUTH_ENDPOINT", "COS_ENDPOINT",
	"COS_HMAC_ACCESS_KEY_ID", "COS_HMAC_SECRET_ACCESS_KEY", "COS_CA",
	// The stock client's, for a product that is gone; harmless.
	"EMAIL", "KEY_ID", "REGISTRATION_FILE",
}

// fromEnvironment are the keys whose value may come from SBS_<KEY>: those that
// nobody should have to write into a file.
var fromEnvironment = []string{
	"SECRET",
	"DOCKER_PASSWORD", "DOCKER_RO_PASSWORD", "DOCKER_BASE_PASSWORD",
	"GITHUB_TOKEN", "GITHUB_KEY",
	"COS_API_KEY_ID", "MANIFEST_COS_API_KEY_ID", "STATE_COS_API_KEY_ID",
	"COS_HMAC_SECRET_ACCESS_KEY", "MANIFEST_COS_HMAC_SECRET_ACCESS_KEY", "STATE_COS_HMAC_SECRET_ACCESS_KEY",
}

// Repeated returns sentences about keys that the file has more than once, with
// different values.
func (c *Config) Repeated() []string { return c.doc.repeated }

// Unknown returns the keys of the file, as spelled there, that mean nothing to
// the client or the server: most likely spelling mistakes.
func (c *Config) Unknown() []string {
	var unknown []string
	for _, m := range c.doc.members {
		if key := strings.ToUpper(m.key); !isSetting(key) && !isParameter(key) {
			unknown = append(unknown, m.key)
		}
	}
	return unknown
}

func isSetting(key string) bool { return slices.Contains(settings, key) }

// isParameter reports whether package api lists the key: an empty value is fine for
// every key it knows.
func isParameter(key string) bool {
	body, err := json.Marshal(map[string]any{key: nil})
	if err != nil {
		return false
	}
	return json.Unmarshal(body, new(api.Parameters)) == nil
}
