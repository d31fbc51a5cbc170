package enclave

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-configfs-tsm/configfs/configfsi"
	"github.com/google/go-configfs-tsm/configfs/faketsm"
)

// kernel is the library's configfs-tsm with a provider that has a name. Like the
// real one, TDX has no auxblob.
func kernel(provider string) (*faketsm.ReportSubsystem, configfsi.Client) {
	reports := faketsm.ReportV7(0)
	read := reports.ReadAttr
	reports.ReadAttr = func(e *faketsm.ReportEntry, attribute string) ([]byte, error) {
		switch {
		case attribute == "provider":
			return []byte(provider + "\n"), nil
		case attribute == "auxblob" && provider == "tdx_guest":
			return nil, os.ErrNotExist
		}
		return read(e, attribute)
	}
	return reports, &faketsm.Client{Subsystems: map[string]configfsi.Client{"report": reports}}
}

// real is an enclave that has its secrets from a contract.
func real() *Enclave {
	e := withSecret(1)
	e.kind = KindContract
	return e
}

func write(t *testing.T, folder string, files map[string]string) string {
	t.Helper()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func TestEvidence(t *testing.T) {
	data := [64]byte{1, 2, 3}
	const inblob = "inblob: 01020300"
	for name, test := range map[string]struct {
		files    map[string]string
		provider string
		want     Evidence
	}{
		"record": {
			files: map[string]string{fileRecord: "record", fileSignature: "signature"}, provider: "tdx_guest",
			want: Evidence{Kind: "hpcr", Record: []byte("record"), Signature: []byte("signature")},
		},
		"encrypted record": {
			files: map[string]string{fileEncryptedRecord: "token", fileSignature: "signature"},
			want:  Evidence{Kind: "hpcr", Record: []byte("token"), Encrypted: true, Signature: []byte("signature")},
		},
		"TDX":     {provider: "tdx_guest", want: Evidence{Kind: "tdx"}},
		"SEV-SNP": {provider: "sev_guest", want: Evidence{Kind: "sev-snp", Certificates: []byte("auxblob")}},
	} {
		t.Run(name, func(t *testing.T) {
			reports, client := kernel(test.provider)
			got, err := real().Evidence(t.Context(), NewMachine(write(t, t.TempDir(), test.files), client), data)
			if err != nil {
				t.Fatal(err)
			}
			if test.files == nil && !strings.Contains(string(got.Quote), inblob) {
				t.Errorf("the quote is not over the report data: %s", got.Quote)
			}
			got.Quote = nil
			if got.Kind != test.want.Kind || got.Encrypted != test.want.Encrypted || !bytes.Equal(got.Record, test.want.Record) ||
				!bytes.Equal(got.Signature, test.want.Signature) || !bytes.Equal(got.Certificates, test.want.Certificates) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
			if len(reports.Entries) != 0 {
				t.Error("a report was left in the kernel")
			}
		})
	}
}

func TestSimulatedNeverLooksReal(t *testing.T) {
	_, client := kernel("tdx_guest")
	e := withSecret(1)
	e.kind = KindSimulated
	folder := write(t, t.TempDir(), map[string]string{fileRecord: "record", fileSignature: "signature"})
	got, err := e.Evidence(t.Context(), NewMachine(folder, client), [64]byte{})
	if err != nil || got.Kind != "simulated" || got.Record != nil || got.Quote != nil {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestNoEvidence(t *testing.T) {
	_, unknown := kernel("cca_guest")
	_, broken := kernel("tdx_guest")
	broken.(*faketsm.Client).Subsystems["report"].(*faketsm.ReportSubsystem).CheckInAttr = func(*faketsm.ReportEntry, string, []byte) error {
		return errors.New("the firmware is busy")
	}
	for name, test := range map[string]struct {
		files   map[string]string
		reports configfsi.Client
		none    bool
		says    string
	}{
		"nothing":           {none: true, says: "no attestation record"},
		"no signature":      {files: map[string]string{fileRecord: "record"}, says: fileSignature},
		"endless record":    {files: map[string]string{fileRecord: strings.Repeat("x", maxRecord+1), fileSignature: "s"}, says: "more than"},
		"unknown provider":  {reports: unknown, says: "cca_guest"},
		"the kernel failed": {reports: broken, says: "busy"},
	} {
		_, err := real().Evidence(t.Context(), NewMachine(write(t, t.TempDir(), test.files), test.reports), [64]byte{})
		if err == nil || errors.Is(err, ErrNoEvidence) != test.none || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestQuotesAreSerialized(t *testing.T) {
	_, client := kernel("tdx_guest")
	machine := NewMachine(t.TempDir(), client)
	machine.turn <- struct{}{} // taken by another request
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := real().Evidence(ctx, machine, [64]byte{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}
