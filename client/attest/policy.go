package attest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opensbs/sbs/api/attestation"
	"github.com/opensbs/sbs/api/public"
	"github.com/opensbs/sbs/client/advice"
	"github.com/opensbs/sbs/client/strictjson"
)

// maxFile bounds every file that is read here, in bytes.
const maxFile = 4 << 20

// What a machine is measured into: registers of a size, in bytes.
const (
	MeasurementSize = 48 // of MRTD, an RTMR and AMD's launch digest
	MaxRTMRs        = 4
)

// Policy holds the requirements on evidence. docs/attestation.md describes its
// JSON.
type Policy struct {
	// Require are the kinds that will do. Without it every kind but "simulated"
	// does.
	Require []string `json:"require,omitempty"`

	HPCR   *HPCR   `json:"hpcr,omitempty"`
	TDX    *TDX    `json:"tdx,omitempty"`
	SEVSNP *SEVSNP `json:"sev-snp,omitempty"`
}

// HPCR holds the requirements on the record of a Hyper Protect runtime.
// Certificates are files in PEM or DER, each with one or more of them.
type HPCR struct {
	Contract      string `json:"contract"`                 // file: user-data.yaml as it was deployed
	PlainContract string `json:"plain_contract,omitempty"` // file: the same with sections in clear

	Certificate     string   `json:"certificate"`                // file: the attestation certificate of the runtime's version
	Chain           []string `json:"chain"`                      // files: the signing key certificate and those above it
	Root            string   `json:"root"`                       // file: the root they end at
	RevocationLists []string `json:"revocation_lists,omitempty"` // files, PEM or DER

	AttestationKey string `json:"attestation_key,omitempty"` // file: RSA key that an encrypted record is for

	// Checksums are further lines that the record must have: name to SHA-256.
	Checksums map[string]string `json:"checksums,omitempty"`
}

// TDX holds the requirements on a quote of Intel TDX.
type TDX struct {
	MRTD  Hex   `json:"mrtd"`            // 48 bytes: the measurement of the firmware
	RTMRs []Hex `json:"rtmrs,omitempty"` // up to 4 of 48 bytes, "" for any: what was measured since

	// FirmwareOnly accepts a policy without RTMR1 and RTMR2, which cover kernel,
	// initial RAM disk and command line.
	FirmwareOnly bool `json:"firmware_only,omitempty"`

	MRConfigID       Hex `json:"mrconfigid,omitempty"`          // 48 bytes
	MinimumTEETCBSVN Hex `json:"minimum_tee_tcb_svn,omitempty"` // 16 bytes, compared one by one

	Root       string `json:"root,omitempty"`       // file: instead of Intel's root
	Collateral string `json:"collateral,omitempty"` // folder with Intel's statements: TCB, revocations
}

// SEVSNP holds the requirements on an attestation report of AMD SEV-SNP.
type SEVSNP struct {
	Measurement Hex `json:"measurement"`         // 48 bytes: the launch digest
	HostData    Hex `json:"host_data,omitempty"` // 32 bytes

	// The launch digest covers the firmware. It covers kernel, initial RAM disk
	// and command line too where their hashes are in it (QEMU's kernel-hashes, or
	// an IGVM file that holds them), which no report shows. The policy names which
	// it is: exactly one of the two.
	FirmwareOnly bool `json:"firmware_only,omitempty"`
	KernelHashes bool `json:"kernel_hashes,omitempty"`

	MinimumTCB      TCB    `json:"minimum_tcb,omitzero"`
	MinimumGuestSVN uint32 `json:"minimum_guest_svn,omitempty"`

	// AllowProvisional takes firmware whose newest part is not committed yet.
	AllowProvisional bool `json:"allow_provisional_firmware,omitempty"`

	Product        string `json:"product,omitempty"`         // "Milan", "Genoa" or "Turin": the product line of Chain
	Certificate    string `json:"certificate,omitempty"`     // file: the VCEK or VLEK, where the evidence has none
	Chain          string `json:"chain,omitempty"`           // file: AMD's ASK and ARK in PEM, instead of those that the library carries
	RevocationList string `json:"revocation_list,omitempty"` // file: AMD's for the product line
}

// TCB are the least versions of AMD's firmware.
type TCB struct {
	BootLoader uint8 `json:"boot_loader,omitempty"`
	TEE        uint8 `json:"tee,omitempty"`
	SNP        uint8 `json:"snp,omitempty"`
	Microcode  uint8 `json:"microcode,omitempty"`
}

// members are the exceptions in a policy: an empty RTMR means any.
var members = strictjson.Rules{EmptyTexts: []string{"tdx.rtmrs"}, Maps: []string{"hpcr.checksums"}}

// LoadPolicy reads the policy in the file at path. Files that it names lie
// next to it unless their paths are absolute.
func LoadPolicy(path string) (*Policy, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("attestation policy: %w", err)
	}
	policy, err := ParsePolicy(text, filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("attestation policy %s: %w", path, err)
	}
	return policy, nil
}

// ParsePolicy reads a policy whose files lie in folder.
func ParsePolicy(text []byte, folder string) (*Policy, error) {
	var policy Policy
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&policy); err != nil {
		return nil, advice.New(err, "docs/attestation.md lists the members of a policy")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something comes after the policy")
	}
	if err := members.Check(text); err != nil {
		return nil, err
	}
	for _, path := range policy.paths() {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(folder, *path)
		}
	}
	return &policy, nil
}

func (p *Policy) paths() []*string {
	var paths []*string
	if h := p.HPCR; h != nil {
		paths = append(paths, &h.Contract, &h.PlainContract, &h.Certificate, &h.Root, &h.AttestationKey)
		for i := range h.Chain {
			paths = append(paths, &h.Chain[i])
		}
		for i := range h.RevocationLists {
			paths = append(paths, &h.RevocationLists[i])
		}
	}
	if t := p.TDX; t != nil {
		paths = append(paths, &t.Root, &t.Collateral)
	}
	if s := p.SEVSNP; s != nil {
		paths = append(paths, &s.Certificate, &s.Chain, &s.RevocationList)
	}
	return paths
}

// sections returns the kinds of evidence that the policy has a section for.
func (p *Policy) sections() []string {
	var kinds []string
	if p.HPCR != nil {
		kinds = append(kinds, attestation.KindHPCR)
	}
	if p.TDX != nil {
		kinds = append(kinds, attestation.KindTDX)
	}
	if p.SEVSNP != nil {
		kinds = append(kinds, attestation.KindSEVSNP)
	}
	return kinds
}

// CheckKinds returns an error for a kind of evidence that does not exist.
func CheckKinds(required []string) error {
	for _, kind := range required {
		if !slices.Contains(attestation.Kinds(), kind) {
			return advice.New(fmt.Errorf("%q is no kind of evidence", kind), "the kinds are "+strings.Join(attestation.Kinds(), ", "))
		}
	}
	return nil
}

// allows reports whether evidence of that kind is accepted.
func (p *Policy) allows(kind string) (bool, error) {
	if err := CheckKinds(p.Require); err != nil {
		return false, err
	}
	if len(p.Require) == 0 {
		return kind != attestation.KindSimulated, nil
	}
	return slices.Contains(p.Require, kind), nil
}

// readPublic returns the content of a file that holds nothing but public things.
func readPublic(path string) ([]byte, error) {
	content, err := readFile(path)
	if err != nil {
		return nil, err
	}
	if err := public.Check(content); err != nil {
		return nil, fmt.Errorf("%s %w", path, err)
	}
	return content, nil
}

func readFile(path string) (content []byte, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	content, err = io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(content) > maxFile {
		return nil, fmt.Errorf("%s is larger than %d MiB", path, maxFile>>20)
	}
	return content, nil
}
