package attest

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/binary"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-sev-guest/abi"
	snptest "github.com/google/go-sev-guest/testing"
	"github.com/google/go-sev-guest/verify/testdata"

	"github.com/opensbs/sbs/api/attestation"
)

// Places in an attestation report, in bytes from its start (SEV Secure Nested
// Paging Firmware ABI Specification, table "ATTESTATION_REPORT").
const (
	atPolicy      = 0x08
	atReportData  = 0x50
	atMeasurement = 0x90
)

// guestPolicy is that of an ordinary guest: SMT allowed, the reserved bit that
// must be set, ABI 0.0.
const guestPolicy = 1<<16 | 1<<17

// guest is an SEV-SNP machine of the tests' own, with the library's processor.
type guest struct {
	signer *snptest.AmdSigner
	report []byte

	peer     *x509.Certificate
	evidence attestation.Evidence
	policy   *SEVSNP
}

// makeProcessor makes the processor of all guests: its chain takes three signatures.
var makeProcessor = sync.OnceValues(func() (*snptest.AmdSigner, error) {
	return snptest.DefaultTestOnlyCertChain("Milan-B1", now.AddDate(0, -1, 0))
})

func newGuest(t *testing.T) *guest {
	t.Helper()
	signer, err := makeProcessor()
	if err != nil {
		t.Fatal(err)
	}
	g := &guest{signer: signer}
	g.peer, g.evidence.Bound = server(t)
	data, err := g.evidence.ReportData()
	if err != nil {
		t.Fatal(err)
	}
	raw := snptest.TestRawReport(data)
	g.report = raw[:abi.ReportSize]
	g.setPolicy(guestPolicy)
	measurement := []byte(strings.Repeat("m", 48))
	copy(g.report[atMeasurement:], measurement)
	g.policy = &SEVSNP{
		Measurement: measurement, KernelHashes: true, Product: "Milan",
		Chain: file(t, slices.Concat(asPEM("CERTIFICATE", signer.Ask.Raw), asPEM("CERTIFICATE", signer.Ark.Raw))),
	}
	g.make(t)
	return g
}

func (g *guest) setPolicy(policy uint64) {
	binary.LittleEndian.PutUint64(g.report[atPolicy:], policy)
}

// make signs the report with the processor's key.
func (g *guest) make(t *testing.T) {
	t.Helper()
	r, s, err := g.signer.Sign(abi.SignedComponent(g.report))
	if err != nil {
		t.Fatal(err)
	}
	if err := abi.SetSignature(r, s, g.report); err != nil {
		t.Fatal(err)
	}
	table, err := g.signer.CertTableBytes()
	if err != nil {
		t.Fatal(err)
	}
	g.evidence.Proof = attestation.Proof{Kind: attestation.KindSEVSNP, Quote: slices.Clone(g.report), Certificates: table}
}

func (g *guest) check(at time.Time) (Report, error) {
	return (&Policy{SEVSNP: g.policy}).Check(g.evidence, Session{Nonce: []byte("a nonce of 24 bytes, yes"), Peer: g.peer, Now: at})
}

var snpChecks = []string{checkKind, checkQuote, checkDebug, checkNonce, checkTLS, "key: manifest", checkMeasurement}

func TestSEVSNPReportPasses(t *testing.T) {
	t.Run("certificate in the evidence", func(t *testing.T) {
		g := newGuest(t)
		report, err := g.check(now)
		passed(t, report, err, snpChecks...)
	})
	t.Run("the firmware alone", func(t *testing.T) {
		g := newGuest(t)
		g.policy.KernelHashes, g.policy.FirmwareOnly = false, true
		report, err := g.check(now)
		passed(t, report, err, snpChecks...)
		unproven(t, report, "revocation list", "covers the firmware only")
	})
	t.Run("certificate in the policy", func(t *testing.T) {
		g := newGuest(t)
		g.evidence.Certificates = nil
		g.policy.Certificate = file(t, g.signer.Vcek.Raw)
		report, err := g.check(now)
		passed(t, report, err, snpChecks...)
	})
	t.Run("revocation list", func(t *testing.T) {
		g := newGuest(t)
		g.policy.RevocationList = g.revocations(t)
		report, err := g.check(now)
		passed(t, report, err, snpChecks...)
		if len(report.Unproven) != 0 {
			t.Errorf("the report leaves open %q", report.Unproven)
		}
	})
}

// revocations is a list by the processor's root.
func (g *guest) revocations(t *testing.T, revoked ...*x509.Certificate) string {
	t.Helper()
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: now.AddDate(0, -1, 0), NextUpdate: now.AddDate(0, 1, 0)}
	for _, certificate := range revoked {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: certificate.SerialNumber, RevocationTime: now})
	}
	root := *g.signer.Ark
	root.KeyUsage |= x509.KeyUsageCRLSign
	root.SubjectKeyId = []byte("root")
	der, err := x509.CreateRevocationList(rand.Reader, list, &root, g.signer.Keys.Ark)
	if err != nil {
		t.Fatal(err)
	}
	return file(t, der)
}

func TestSEVSNPReportIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		change      func(*testing.T, *guest)
		check, says string
	}{
		"AMD's own root": {func(_ *testing.T, g *guest) { g.policy.Chain, g.policy.Product = "", "" }, checkQuote, "could not be verified"},
		"changed report": {func(_ *testing.T, g *guest) { g.evidence.Quote[atMeasurement]++ }, checkQuote, "signature"},
		"half a report":  {func(_ *testing.T, g *guest) { g.evidence.Quote = g.evidence.Quote[:100] }, checkQuote, ""},
		"broken table":   {func(_ *testing.T, g *guest) { g.evidence.Certificates = g.evidence.Certificates[:30] }, checkQuote, "certificate table"},
		"no certificate": {func(_ *testing.T, g *guest) { g.evidence.Certificates = nil }, checkQuote, "no certificate of the processor"},
		"revoked signing key": {func(t *testing.T, g *guest) {
			g.policy.RevocationList = g.revocations(t, g.signer.Ask)
		}, checkQuote, "revoked"},
		"debug": {func(t *testing.T, g *guest) {
			g.setPolicy(guestPolicy | 1<<19)
			g.make(t)
		}, checkDebug, "debug mode"},
		"migration": {func(t *testing.T, g *guest) {
			g.setPolicy(guestPolicy | 1<<18)
			g.make(t)
		}, checkMeasurement, "migration"},
		"replayed report": {func(t *testing.T, g *guest) {
			g.report[atReportData]++
			g.make(t)
		}, checkReportData, "another request"},
		"replayed reply":                 {func(_ *testing.T, g *guest) { g.evidence.Nonce = make([]byte, 24) }, checkNonce, "replays"},
		"other TLS key at the other end": {func(t *testing.T, g *guest) { g.peer, _ = server(t) }, checkTLS, "is in between"},
		"other TLS key in the reply": {func(t *testing.T, g *guest) {
			g.peer, _ = server(t)
			g.evidence.TLS = attestation.DigestOf(g.peer.RawSubjectPublicKeyInfo)
		}, checkReportData, "another server"},
		"other software":             {func(_ *testing.T, g *guest) { g.policy.Measurement = make([]byte, 48) }, checkMeasurement, "MEASUREMENT"},
		"other host data":            {func(_ *testing.T, g *guest) { g.policy.HostData = Hex(strings.Repeat("x", 32)) }, checkMeasurement, "HOST_DATA"},
		"old firmware":               {func(_ *testing.T, g *guest) { g.policy.MinimumTCB.SNP = 1 }, checkMeasurement, "TCB"},
		"old guest":                  {func(_ *testing.T, g *guest) { g.policy.MinimumGuestSVN = 1 }, checkMeasurement, "SVN"},
		"nothing to hold it against": {func(_ *testing.T, g *guest) { g.policy.Measurement = nil }, checkPolicy, "measurement"},
		"not said what is measured":  {func(_ *testing.T, g *guest) { g.policy.KernelHashes = false }, checkPolicy, "what the measurement covers"},
		"both is said":               {func(_ *testing.T, g *guest) { g.policy.FirmwareOnly = true }, checkPolicy, "what the measurement covers"},
		"half a measurement":         {func(_ *testing.T, g *guest) { g.policy.Measurement = make([]byte, 24) }, checkPolicy, "48"},
		"a chain of no product":      {func(_ *testing.T, g *guest) { g.policy.Product = "" }, checkPolicy, "belong together"},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGuest(t)
			test.change(t, g)
			report, err := g.check(now)
			refusal(t, err, test.check, test.says)
			if report.Accepted {
				t.Error("and yet accepted")
			}
		})
	}
	t.Run("expired certificate", func(t *testing.T) {
		_, err := newGuest(t).check(now.AddDate(30, 0, 0))
		refusal(t, err, checkQuote, "expired")
	})
}

// TestPublishedSEVSNPReport checks the report of a real processor against AMD's
// root. It is from a guest in debug mode, and that is where it is refused.
func TestPublishedSEVSNPReport(t *testing.T) {
	peer, bound := server(t)
	evidence := attestation.Evidence{Bound: bound, Proof: attestation.Proof{Kind: attestation.KindSEVSNP, Quote: testdata.AttestationBytes[:abi.ReportSize]}}
	policy := Policy{SEVSNP: &SEVSNP{Measurement: testdata.AttestationBytes[atMeasurement : atMeasurement+48], FirmwareOnly: true, Certificate: file(t, testdata.VcekBytes)}}
	session := Session{Nonce: bound.Nonce, Peer: peer, Now: time.Date(2022, 9, 24, 1, 0, 0, 0, time.UTC)}
	report, err := policy.Check(evidence, session)
	refusal(t, err, checkDebug, "debug mode")
	if len(report.Findings) != 2 || report.Findings[1].Check != checkQuote {
		t.Errorf("found %+v", report.Findings)
	}
	evidence.Quote = slices.Clone(evidence.Quote)
	evidence.Quote[atMeasurement]++
	_, err = policy.Check(evidence, session)
	refusal(t, err, checkQuote, "signature")
}
