package attest

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"

	"go.yaml.in/yaml/v4"

	"github.com/opensbs/sbs/client/advice"
	"github.com/opensbs/sbs/client/contract"
)

// readContract reads a user-data.yaml. Its sections are tokens, or YAML in
// clear.
func readContract(path string) (contract.Sections, error) {
	text, err := readFile(path)
	if err != nil {
		return contract.Sections{}, fmt.Errorf("contract: %w", err)
	}
	sections, err := contract.Parse(text)
	if err != nil {
		return contract.Sections{}, fmt.Errorf("%s: %w", path, err)
	}
	return sections, nil
}

// serverCertificate is SERVER_CRT of the contract's env section, and the file it
// was found in.
func (h *HPCR) serverCertificate() (*x509.Certificate, string, error) {
	path := h.PlainContract
	if path == "" {
		path = h.Contract
	}
	sections, err := readContract(path)
	if err != nil {
		return nil, "", err
	}
	var env struct {
		Env struct {
			ServerCertificate string `yaml:"SERVER_CRT"`
		} `yaml:"env"`
	}
	// A token is YAML too: a text instead of a map.
	if err := yaml.Unmarshal([]byte(sections.Env), &env); err != nil || env.Env.ServerCertificate == "" {
		return nil, "", advice.New(fmt.Errorf("the env section in %s has no SERVER_CRT in clear", path),
			"give the contract with its sections in clear as well: --plain-contract FILE, as sbs-cli contract --plain writes it")
	}
	certificate, err := parseServerCertificate(env.Env.ServerCertificate)
	if err != nil {
		return nil, "", fmt.Errorf("SERVER_CRT in %s: %w", path, err)
	}
	return certificate, path, nil
}

func parseServerCertificate(value string) (*x509.Certificate, error) {
	text, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return nil, errors.New("it is not base64")
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("it is not the base64 of a PEM certificate")
	}
	return x509.ParseCertificate(block.Bytes)
}
