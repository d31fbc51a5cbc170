package attest

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
)

// collateral is a folder with what Intel's provisioning certification service
// reports of a processor: the bodies of four replies, and with three of them the
// certificate chain that the service sends in a header.
type collateral struct{ folder string }

// Get replaces an HTTP GET of the service (its version 4).
func (c collateral) Get(address string) (map[string][]string, []byte, error) {
	file, header, err := collateralFile(address)
	if err != nil {
		return nil, nil, err
	}
	body, err := readPublic(filepath.Join(c.folder, file))
	if err != nil {
		return nil, nil, err
	}
	if header == "" {
		return nil, body, nil
	}
	chain, err := readPublic(filepath.Join(c.folder, strings.TrimSuffix(file, filepath.Ext(file))+".pem"))
	if err != nil {
		return nil, nil, err
	}
	return map[string][]string{header: {url.QueryEscape(string(chain))}}, body, nil
}

// collateralFile is the file of a reply, and the header its chain comes in.
func collateralFile(address string) (file, header string, err error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", "", fmt.Errorf("address of collateral: %w", err)
	}
	switch {
	case strings.HasSuffix(u.Path, "/tdx/certification/v4/tcb"):
		return "tcb-info.json", "Tcb-Info-Issuer-Chain", nil
	case strings.HasSuffix(u.Path, "/qe/identity"):
		return "qe-identity.json", "Sgx-Enclave-Identity-Issuer-Chain", nil
	case strings.HasSuffix(u.Path, "/pckcrl"):
		return "pck-crl.der", "Sgx-Pck-Crl-Issuer-Chain", nil
	case strings.HasSuffix(u.Path, "/IntelSGXRootCA.der"):
		return "root-crl.der", "", nil
	}
	return "", "", fmt.Errorf("%s is no collateral that a folder has a name for", address)
}

// noNetwork refuses every download of a library.
type noNetwork struct{}

func (noNetwork) Get(address string) (map[string][]string, []byte, error) {
	return nil, nil, fmt.Errorf("%s is not fetched: attestation is checked without the network", address)
}
