package config

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// AttestationPolicy returns the policy that REQUIRE_ATTESTATION requires of the
// server: the path of its file, or the policy itself when it is written in the
// configuration as an object. Without one both are empty.
func (c *Config) AttestationPolicy() (path string, object json.RawMessage, err error) {
	const key = "REQUIRE_ATTESTATION"
	if value := bytes.TrimSpace(c.doc.value(key)); len(value) > 0 && value[0] == '{' {
		return "", json.RawMessage(value), nil
	}
	path, err = expandHome(c.Text(key))
	if err != nil {
		return "", nil, fmt.Errorf("%s: %w", key, err)
	}
	return path, nil, nil
}
