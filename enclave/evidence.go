package enclave

// Attestation evidence of the machine. The enclave only reads it; verifying it
// is the client's task.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-configfs-tsm/configfs/configfsi"
	"github.com/google/go-configfs-tsm/configfs/linuxtsm"
	"github.com/google/go-configfs-tsm/report"
)

// Kinds of evidence besides KindSimulated, as written on the wire.
const (
	evidenceHPCR   = "hpcr"
	evidenceTDX    = "tdx"
	evidenceSEVSNP = "sev-snp"
)

// RecordFolder is the folder in which the Hyper Protect runtime stores its
// attestation record. The compose file must mount it into the container.
const RecordFolder = "/var/hyperprotect"

// Files of that folder.
const (
	fileRecord          = "se-checksums.txt"
	fileEncryptedRecord = "se-checksums.txt.enc" // when the contract has an attestationPublicKey
	fileSignature       = "se-signature.bin"
)

// maxRecord is the maximum size of each of those files, in bytes.
const maxRecord = 128 << 10

// ErrNoEvidence means that the machine has no attestation record and no source
// of quotes.
var ErrNoEvidence = errors.New("this machine has no attestation record and makes no quotes")

// Evidence holds a record and its signature, or a quote and its certificates, or
// only the kind "simulated".
type Evidence struct {
	Kind string

	Record    []byte // hpcr: se-checksums.txt, or se-checksums.txt.enc when Encrypted
	Encrypted bool
	Signature []byte // hpcr: se-signature.bin

	Quote        []byte // tdx, sev-snp: outblob
	Certificates []byte // sev-snp: auxblob, may be empty
}

// Machine reads the evidence of one machine. Make it with NewMachine.
type Machine struct {
	records string
	reports configfsi.Client // nil when the kernel makes no quotes
	turn    chan struct{}    // quotes are slow and made by firmware: one at a time
}

// NewMachine returns a Machine that reads records from a folder ("" means
// RecordFolder) and requests quotes from reports.
func NewMachine(records string, reports configfsi.Client) *Machine {
	if records == "" {
		records = RecordFolder
	}
	return &Machine{records: records, reports: reports, turn: make(chan struct{}, 1)}
}

// KernelReports returns a client of configfs-tsm (Linux 6.7), or nil when this
// kernel or this container does not provide it.
func KernelReports() configfsi.Client {
	client, err := linuxtsm.MakeClient()
	if err != nil {
		return nil
	}
	return client
}

// Evidence returns the runtime's record, or, where there is no record, a fresh
// quote over reportData. A simulated enclave returns the kind "simulated" on
// every machine. The error wraps ErrNoEvidence when the machine has neither.
func (e *Enclave) Evidence(ctx context.Context, machine *Machine, reportData [64]byte) (Evidence, error) {
	if e.kind == KindSimulated {
		return Evidence{Kind: KindSimulated}, nil
	}
	evidence, err := machine.record()
	if errors.Is(err, fs.ErrNotExist) {
		return machine.quote(ctx, reportData)
	}
	if err != nil {
		return Evidence{}, fmt.Errorf("read attestation record: %w", err)
	}
	return evidence, nil
}

func (m *Machine) record() (Evidence, error) {
	record, err := readBounded(filepath.Join(m.records, fileRecord))
	encrypted := errors.Is(err, fs.ErrNotExist)
	if encrypted {
		record, err = readBounded(filepath.Join(m.records, fileEncryptedRecord))
	}
	if err != nil {
		return Evidence{}, err
	}
	signature, err := readBounded(filepath.Join(m.records, fileSignature))
	if errors.Is(err, fs.ErrNotExist) {
		// A record without its signature is damaged, not absent.
		return Evidence{}, fmt.Errorf("the record's signature %s is missing", fileSignature)
	}
	if err != nil {
		return Evidence{}, err
	}
	return Evidence{Kind: evidenceHPCR, Record: record, Encrypted: encrypted, Signature: signature}, nil
}

// quote requests a quote from the kernel. The request can't be cancelled; the
// kernel bounds its duration.
func (m *Machine) quote(ctx context.Context, reportData [64]byte) (Evidence, error) {
	if m.reports == nil {
		return Evidence{}, ErrNoEvidence
	}
	select {
	case m.turn <- struct{}{}:
		defer func() { <-m.turn }()
	case <-ctx.Done():
		return Evidence{}, fmt.Errorf("make quote: %w", ctx.Err())
	}
	evidence, err := makeQuote(m.reports, reportData)
	if err != nil {
		return Evidence{}, fmt.Errorf("make quote: %w", err)
	}
	return evidence, nil
}

func makeQuote(reports configfsi.Client, reportData [64]byte) (evidence Evidence, err error) {
	request, err := report.CreateOpenReport(reports)
	if err != nil {
		return Evidence{}, err
	}
	defer func() { err = errors.Join(err, request.Destroy()) }()
	if err := request.WriteOption("inblob", reportData[:]); err != nil {
		return Evidence{}, err
	}
	provider, err := request.ReadOption("provider")
	if err != nil {
		return Evidence{}, err
	}
	if evidence.Quote, err = request.ReadOption("outblob"); err != nil {
		return Evidence{}, err
	}
	switch name := strings.TrimSpace(string(provider)); name {
	case "tdx_guest":
		evidence.Kind = evidenceTDX
		return evidence, nil
	case "sev_guest":
		evidence.Kind = evidenceSEVSNP
		evidence.Certificates, err = request.ReadOption("auxblob")
		return evidence, err
	default:
		return Evidence{}, fmt.Errorf("the kernel's provider %q is not supported by this server", name)
	}
}

func readBounded(name string) (content []byte, err error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	content, err = io.ReadAll(io.LimitReader(file, maxRecord+1))
	if err != nil {
		return nil, err
	}
	if len(content) > maxRecord {
		return nil, fmt.Errorf("%s has more than %d bytes", name, maxRecord)
	}
	return content, nil
}
