package enclave

// Evidence: what the machine says of itself to those outside. The enclave only
// carries it: what it proves is for the reader to judge.

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

// Kinds of evidence, beside KindSimulated. The names are those of the wire.
const (
	evidenceHPCR   = "hpcr"
	evidenceTDX    = "tdx"
	evidenceSEVSNP = "sev-snp"
)

// RecordFolder is where the Hyper Protect runtime puts its attestation record;
// the compose file must mount it into the container.
const RecordFolder = "/var/hyperprotect"

// Files of that folder.
const (
	fileRecord          = "se-checksums.txt"
	fileEncryptedRecord = "se-checksums.txt.enc" // when the contract has an attestationPublicKey
	fileSignature       = "se-signature.bin"
)

// maxRecord bounds each of those files, in bytes.
const maxRecord = 128 << 10

// ErrNoEvidence means that the machine has none of what Evidence looks for.
var ErrNoEvidence = errors.New("this machine has no attestation record and makes no quotes")

// Evidence is a record and its signature, or a quote and its certificates, or
// nothing but the kind "simulated".
type Evidence struct {
	Kind string

	Record    []byte // hpcr: se-checksums.txt, or se-checksums.txt.enc when Encrypted
	Encrypted bool
	Signature []byte // hpcr: se-signature.bin

	Quote        []byte // tdx, sev-snp: outblob
	Certificates []byte // sev-snp: auxblob, may be empty
}

// Machine is where evidence comes from. Make it with NewMachine.
type Machine struct {
	records string
	reports configfsi.Client // nil when the kernel makes no quotes
	turn    chan struct{}    // quotes are slow and made by firmware: one at a time
}

// NewMachine looks for records in a folder ("" is RecordFolder), and takes
// quotes from reports.
func NewMachine(records string, reports configfsi.Client) *Machine {
	if records == "" {
		records = RecordFolder
	}
	return &Machine{records: records, reports: reports, turn: make(chan struct{}, 1)}
}

// KernelReports is configfs-tsm (Linux 6.7), or nil when this kernel or this
// container has none.
func KernelReports() configfsi.Client {
	client, err := linuxtsm.MakeClient()
	if err != nil {
		return nil
	}
	return client
}

// Evidence gives what there is: the runtime's record, or else a fresh quote over
// reportData. A simulated enclave says so, whatever machine it runs on. The
// error wraps ErrNoEvidence when there is nothing.
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
		// A record without its signature is damage, not the lack of a record.
		return Evidence{}, fmt.Errorf("the record has no %s beside it", fileSignature)
	}
	if err != nil {
		return Evidence{}, err
	}
	return Evidence{Kind: evidenceHPCR, Record: record, Encrypted: encrypted, Signature: signature}, nil
}

// quote asks the kernel. It can't be interrupted there; the kernel bounds it.
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
		return Evidence{}, fmt.Errorf("the kernel's provider %q is none that this server knows", name)
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
