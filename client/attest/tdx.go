package attest

import (
	"crypto/x509"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/google/go-tdx-guest/abi"
	pb "github.com/google/go-tdx-guest/proto/tdx"
	"github.com/google/go-tdx-guest/validate"
	"github.com/google/go-tdx-guest/verify"

	"github.com/opensbs/sbs/api/attestation"
	"github.com/opensbs/sbs/client/advice"
)

// intelRoot is the Intel SGX Root CA, valid to the end of 2049, as Intel
// publishes it with its provisioning certification service.
//
//go:embed intel-sgx-root.pem
var intelRoot []byte

// Names of the checks of a TDX quote.
const (
	checkPolicy      = "policy"
	checkQuote       = "quote"
	checkCollateral  = "collateral"
	checkDebug       = "debug"
	checkReportData  = "report data"
	checkMeasurement = "measurement"
)

func (p *Policy) checkTDX(report *Report, e attestation.Evidence, s Session) error {
	policy := p.TDX
	if err := policy.check(); err != nil {
		return refuse(checkPolicy, err)
	}
	options, err := policy.options(s.Now)
	if err != nil {
		return refuse(checkPolicy, err)
	}
	parsed, err := abi.QuoteToProto(e.Quote)
	if err != nil {
		return refuse(checkQuote, err)
	}
	quote, ok := parsed.(*pb.QuoteV4)
	if !ok {
		return refuse(checkQuote, fmt.Errorf("a quote of type %T is none that this program can check", parsed))
	}
	if err := verify.TdxQuote(quote, options); err != nil {
		return refuse(checkQuote, err)
	}
	report.pass(checkQuote, "signed by an Intel processor", "the certificate of the processor leads to Intel's root")
	if policy.Collateral == "" {
		report.Unproven = append(report.Unproven, "that the processor's firmware is up to date and its certificate not revoked: the policy names no collateral")
	} else {
		report.pass(checkCollateral, "up to date", "by Intel's statements firmware and certificates are good")
	}
	body := quote.GetTdQuoteBody()
	if err := undebugged(body); err != nil {
		return refuse(checkDebug, err)
	}
	report.pass(checkDebug, "off", "the host can't read the machine's memory")
	data, err := e.ReportData()
	if err != nil {
		return refuse(checkReportData, err)
	}
	if err := validate.TdxQuote(quote, &validate.Options{TdQuoteBodyOptions: validate.TdQuoteBodyOptions{ReportData: data[:]}}); err != nil {
		return refuse(checkReportData, fmt.Errorf("the quote was made for another request or another server: %w", err))
	}
	report.fresh(e)
	return policy.measured(report, quote)
}

func (t *TDX) check() error {
	if t == nil || len(t.MRTD) == 0 {
		return advice.New(errors.New("it does not name which measurement is expected (mrtd)"), "take it from the builder of the machine's image, and put it under tdx into the policy file, or give --mrtd")
	}
	if !t.FirmwareOnly && (len(t.rtmr(rtmrKernel)) == 0 || len(t.rtmr(rtmrCommandLine)) == 0) {
		return advice.New(errors.New("it does not name the expected kernel and command line (RTMR1 and RTMR2 in rtmrs): mrtd covers the firmware only"),
			"take both from the builder of the machine's image, and put them under tdx into the policy file, or give --rtmr; \"firmware_only\": true, or --firmware-only, does without")
	}
	if len(t.RTMRs) > MaxRTMRs {
		return fmt.Errorf("rtmrs of the policy has %d entries, it takes up to %d", len(t.RTMRs), MaxRTMRs)
	}
	for _, field := range []struct {
		name  string
		value Hex
		size  int
	}{
		{"mrtd", t.MRTD, abi.MrTdSize},
		{"mrconfigid", t.MRConfigID, abi.MrConfigIDSize},
		{"minimum_tee_tcb_svn", t.MinimumTEETCBSVN, abi.TeeTcbSvnSize},
	} {
		if err := field.value.check(field.name, field.size); err != nil {
			return err
		}
	}
	for i, rtmr := range t.RTMRs {
		if err := rtmr.check(fmt.Sprintf("rtmrs[%d]", i), abi.RtmrSize); err != nil {
			return err
		}
	}
	return nil
}

func (t *TDX) options(now time.Time) (*verify.Options, error) {
	// The library has the same root, but prints that on standard output.
	roots := x509.NewCertPool()
	if t.Root == "" && !roots.AppendCertsFromPEM(intelRoot) {
		return nil, errors.New("the root certificate of Intel can't be read")
	}
	if t.Root != "" {
		root, err := oneCertificate(t.Root)
		if err != nil {
			return nil, err
		}
		roots.AddCert(root)
	}
	options := &verify.Options{Now: now, Getter: noNetwork{}, TrustedRoots: roots}
	if t.Collateral != "" {
		options.Getter = collateral{t.Collateral}
		options.GetCollateral, options.CheckRevocations = true, true
	}
	return options, nil
}

// undebugged looks at the attributes by which the host may look into the
// machine (TUD, the first byte), and at those of the TDX module itself, which
// must be Intel's own and not a debugging one.
func undebugged(body *pb.TDQuoteBody) error {
	if attributes := body.GetTdAttributes(); len(attributes) == 0 || attributes[0] != 0 {
		return fmt.Errorf("the machine runs in debug mode (TD_ATTRIBUTES %x): the host can read its memory", attributes)
	}
	for _, b := range body.GetSeamAttributes() {
		if b != 0 {
			return fmt.Errorf("the TDX module is not a production one (SEAM_ATTRIBUTES %x)", body.GetSeamAttributes())
		}
	}
	for _, b := range body.GetMrSignerSeam() {
		if b != 0 {
			return fmt.Errorf("the TDX module is not Intel's (MRSIGNERSEAM %x)", body.GetMrSignerSeam())
		}
	}
	return nil
}
