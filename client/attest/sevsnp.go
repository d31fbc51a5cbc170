package attest

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/go-sev-guest/abi"
	"github.com/google/go-sev-guest/kds"
	pb "github.com/google/go-sev-guest/proto/sevsnp"
	"github.com/google/go-sev-guest/validate"
	"github.com/google/go-sev-guest/verify"
	"github.com/google/go-sev-guest/verify/trust"

	"github.com/opensbs/sbs/api/attestation"
	"github.com/opensbs/sbs/client/advice"
)

func (p *Policy) checkSEVSNP(report *Report, e attestation.Evidence, s Session) error {
	policy := p.SEVSNP
	if err := policy.check(); err != nil {
		return refuse(checkPolicy, err)
	}
	options, err := policy.options(s.Now)
	if err != nil {
		return refuse(checkPolicy, err)
	}
	quote, err := policy.attestation(e)
	if err != nil {
		return refuse(checkQuote, err)
	}
	if err := verify.SnpAttestation(quote, options); err != nil {
		return refuse(checkQuote, err)
	}
	report.pass(checkQuote, "signed by an AMD processor", "the certificate of the processor leads to AMD's root")
	if policy.RevocationList == "" {
		report.Unproven = append(report.Unproven, "that AMD's signing key is not revoked: the policy names no revocation list")
	}
	guest, err := abi.ParseSnpPolicy(quote.GetReport().GetPolicy())
	if err != nil {
		return refuse(checkDebug, err)
	}
	if guest.Debug {
		return refuse(checkDebug, errors.New("the machine runs in debug mode: the host can read its memory"))
	}
	report.pass(checkDebug, "off", "the host can't read the machine's memory")
	data, err := e.ReportData()
	if err != nil {
		return refuse(checkReportData, err)
	}
	expected := policy.expected()
	expected.ReportData = data[:]
	if string(quote.GetReport().GetReportData()) != string(data[:]) {
		return refuse(checkReportData, errors.New("the quote was made for another request or another server"))
	}
	report.fresh(e)
	if err := validate.SnpAttestation(quote, expected); err != nil {
		return refuse(checkMeasurement, err)
	}
	if policy.KernelHashes {
		report.pass(checkMeasurement, policy.Measurement.String(), "the machine was started with the firmware that the policy names, and with its kernel, initial RAM disk and command line, if their hashes are in the measurement: that is the policy's word (kernel_hashes), no report shows it")
		return nil
	}
	report.pass(checkMeasurement, policy.Measurement.String(), "the machine was started with the firmware that the policy names")
	report.Unproven = append(report.Unproven, "kernel, initial RAM disk and command line: by the policy the measurement covers the firmware only")
	return nil
}

func (s *SEVSNP) check() error {
	if s == nil || len(s.Measurement) == 0 {
		return advice.New(errors.New("it does not name which measurement is expected"), "take it from the builder of the machine's image, and put it under sev-snp into the policy file, or give --measurement")
	}
	if s.FirmwareOnly == s.KernelHashes {
		return advice.New(errors.New("it does not state what the measurement covers"),
			`set "firmware_only": true (--firmware-only), or "kernel_hashes": true (--kernel-hashes) where the measurement was computed with the hashes of kernel, initial RAM disk and command line in it; one of the two`)
	}
	if (s.Chain == "") != (s.Product == "") {
		return errors.New("product and chain of the policy belong together")
	}
	return errors.Join(s.Measurement.check("measurement", abi.MeasurementSize), s.HostData.check("host_data", abi.HostDataSize))
}

// attestation joins the report with the processor's certificate.
func (s *SEVSNP) attestation(e attestation.Evidence) (*pb.Attestation, error) {
	report, err := abi.ReportToProto(e.Quote)
	if err != nil {
		return nil, err
	}
	certificates, err := processorCertificates(e.Certificates)
	if err != nil {
		return nil, err
	}
	if s.Certificate != "" {
		certificate, err := oneCertificate(s.Certificate)
		if err != nil {
			return nil, err
		}
		certificates.VcekCert, certificates.VlekCert = certificate.Raw, certificate.Raw
	}
	if len(certificates.GetVcekCert()) == 0 && len(certificates.GetVlekCert()) == 0 {
		return nil, advice.New(errors.New("the evidence brings no certificate of the processor, and the policy names none"),
			"fetch it from AMD's key distribution service for this processor, and name the file as certificate under sev-snp in the policy")
	}
	return &pb.Attestation{Report: report, CertificateChain: certificates}, nil
}

// processorCertificates takes the one certificate that counts out of a
// certificate table. The roots are never taken from there.
func processorCertificates(table []byte) (*pb.CertificateChain, error) {
	certificates := &pb.CertificateChain{}
	if len(table) == 0 {
		return certificates, nil
	}
	var entries abi.CertTable
	if err := entries.Unmarshal(table); err != nil {
		return nil, fmt.Errorf("certificate table: %w", err)
	}
	// An error means that there is none.
	certificates.VcekCert, _ = entries.GetByGUIDString(abi.VcekGUID)
	certificates.VlekCert, _ = entries.GetByGUIDString(abi.VlekGUID)
	return certificates, nil
}

func (s *SEVSNP) options(now time.Time) (*verify.Options, error) {
	options := &verify.Options{Now: now, DisableCertFetching: true, Getter: revocationList{}}
	if s.Chain != "" {
		content, err := readPublic(s.Chain)
		if err != nil {
			return nil, err
		}
		roots := trust.AMDRootCertsProduct(s.Product)
		if err := roots.FromKDSCertBytes(content); err != nil {
			return nil, fmt.Errorf("read certificates %s: %w", s.Chain, err)
		}
		options.TrustedRoots = map[string][]*trust.AMDRootCerts{s.Product: {roots}}
	}
	if s.RevocationList != "" {
		list, err := readRevocationList(s.RevocationList)
		if err != nil {
			return nil, err
		}
		options.CheckRevocations, options.Getter = true, revocationList{list.Raw}
	}
	return options, nil
}

// expected is the policy as the library takes it. The guest policy is the most
// that the machine may allow its host: no debugging and no migration.
func (s *SEVSNP) expected() *validate.Options {
	return &validate.Options{
		GuestPolicy: abi.SnpPolicy{SMT: true, CXLAllowed: true},
		Measurement: s.Measurement,
		HostData:    s.HostData,
		MinimumTCB: kds.TCBParts{
			BlSpl: s.MinimumTCB.BootLoader, TeeSpl: s.MinimumTCB.TEE,
			SnpSpl: s.MinimumTCB.SNP, UcodeSpl: s.MinimumTCB.Microcode,
		},
		MinimumGuestSvn:           s.MinimumGuestSVN,
		PermitProvisionalFirmware: s.AllowProvisional,
	}
}

// revocationList replaces AMD's key distribution service: it has one file.
type revocationList struct{ content []byte }

func (r revocationList) Get(address string) ([]byte, error) {
	if r.content == nil {
		return nil, fmt.Errorf("%s is not fetched: attestation is checked without the network", address)
	}
	return r.content, nil
}
