package attest

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"go.yaml.in/yaml/v4"

	"github.com/opensbs/sbs/api/public"
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

// isToken reports whether a section is encrypted to a platform. The record does
// not name the platform; its runtime decrypts its own form only.
func isToken(section string) bool {
	platforms := []contract.Platform{contract.HPVS, contract.CCCO, contract.CCRT, contract.CCRV}
	return slices.ContainsFunc(platforms, func(p contract.Platform) bool { return contract.CheckToken(p, section) == nil })
}

// deployedServer returns the certificate that the contract gave the server, and
// the file it was found in: the contract itself where its env section is in
// clear, and else the plain one. SERVER_KEY next to it must be encrypted.
func (h *HPCR) deployedServer() (certificate *x509.Certificate, path string, err error) {
	sections, path, err := h.clearSections()
	if err != nil {
		return nil, "", err
	}
	var env struct {
		Env struct {
			Certificate string `yaml:"SERVER_CRT"`
			Key         string `yaml:"SERVER_KEY"`
		} `yaml:"env"`
	}
	if err := yaml.Unmarshal([]byte(sections.Env), &env); err != nil || env.Env.Certificate == "" {
		return nil, "", fmt.Errorf("the env section in %s has no SERVER_CRT in clear", path)
	}
	if certificate, err = parseServerCertificate(env.Env.Certificate); err != nil {
		return nil, "", fmt.Errorf("SERVER_CRT in %s: %w", path, err)
	}
	if err := checkServerKey(env.Env.Key); err != nil {
		return nil, "", fmt.Errorf("SERVER_KEY in %s: %w", path, err)
	}
	return certificate, path, nil
}

// clearSections returns the sections of the contract whose env is in clear. A
// plain contract given with one that is in clear must be equal to it.
func (h *HPCR) clearSections() (sections contract.Sections, path string, err error) {
	deployed, err := readContract(h.Contract)
	if err != nil {
		return contract.Sections{}, "", err
	}
	encrypted := isToken(deployed.Env)
	if h.PlainContract == "" {
		if encrypted {
			err = advice.Coded(fmt.Errorf("the env section in %s is encrypted, so that SERVER_CRT in it can't be read", h.Contract), EnvEncrypted)
		}
		return deployed, h.Contract, err
	}
	plain, err := readContract(h.PlainContract)
	if err != nil {
		return contract.Sections{}, "", err
	}
	if encrypted {
		return plain, h.PlainContract, nil
	}
	if plain.Env != deployed.Env {
		return contract.Sections{}, "", fmt.Errorf("the env section in %s is in clear, and differs from the one in %s", h.Contract, h.PlainContract)
	}
	return deployed, h.Contract, nil
}

// checkServerKey requires the form in which instance-env writes SERVER_KEY: an
// OpenPGP message that begins with a session key encrypted to a public key. To
// whose, only the enclave can determine.
func checkServerKey(value string) error {
	text, err := base64.StdEncoding.DecodeString(value)
	if err != nil || len(text) == 0 {
		return errors.New("it is missing or not base64")
	}
	block, err := armor.Decode(bytes.NewReader(text))
	if err != nil {
		return errors.New("it is not the base64 of an armored OpenPGP message, so that anyone who reads the contract has the server's key")
	}
	first, err := packet.Read(block.Body)
	if err != nil {
		return fmt.Errorf("read OpenPGP message: %w", err)
	}
	if _, encrypted := first.(*packet.EncryptedKey); !encrypted {
		return errors.New("it is not encrypted to a public key, so that anyone who reads the contract has the server's key")
	}
	return nil
}

func parseServerCertificate(value string) (*x509.Certificate, error) {
	text, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return nil, errors.New("it is not base64")
	}
	certificates, err := public.ParseCertificates(text) // its own first, as TLS sends them
	if err != nil {
		return nil, fmt.Errorf("the PEM in it %w", err)
	}
	return certificates[0], nil
}
