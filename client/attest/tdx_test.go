package attest

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-tdx-guest/abi"
	pb "github.com/google/go-tdx-guest/proto/tdx"
	tdxtest "github.com/google/go-tdx-guest/testing"
	"github.com/google/go-tdx-guest/testing/testdata"

	"github.com/opensbs/sbs/api/attestation"
)

// published is the quote of a real processor that the library ships.
func published(t *testing.T) *pb.QuoteV4 {
	t.Helper()
	parsed, err := abi.QuoteToProto(testdata.RawQuote)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.(*pb.QuoteV4)
}

// trusted is a TDX machine of the tests' own: its quotes are like those of a
// real one, under a root of its own.
type trusted struct {
	root     *issuer
	platform *issuer
	pck      *issuer
	chain    []byte // PEM
	quote    *pb.QuoteV4

	peer     *x509.Certificate
	evidence attestation.Evidence
	policy   *TDX
}

func newTDX(t *testing.T) *trusted {
	t.Helper()
	m := &trusted{quote: published(t)}
	m.root = (*issuer)(nil).issue(t, "Intel SGX Root CA", newKey(t), func(c *x509.Certificate) {
		authority(c)
		c.CRLDistributionPoints = []string{"https://certificates.trustedservices.intel.com/IntelSGXRootCA.der"}
	})
	m.platform = m.root.issue(t, "Intel SGX PCK Platform CA", newKey(t), authority)
	extensions := sgxExtensions(t, m.quote)
	m.pck = m.platform.issue(t, "Intel SGX PCK Certificate", newKey(t), func(c *x509.Certificate) { c.ExtraExtensions = extensions })
	for _, i := range []*issuer{m.pck, m.platform, m.root} {
		m.chain = append(m.chain, asPEM("CERTIFICATE", i.certificate.Raw)...)
	}
	m.peer, m.evidence.Bound = server(t)
	data, err := m.evidence.ReportData()
	if err != nil {
		t.Fatal(err)
	}
	body := m.quote.GetTdQuoteBody()
	body.ReportData = data[:]
	body.TdAttributes[0] = 0
	registers := body.GetRtmrs()
	m.policy = &TDX{MRTD: body.GetMrTd(), RTMRs: []Hex{nil, registers[1], registers[2]}, Root: m.root.file(t)}
	m.make(t)
	return m
}

// sgxExtensions are those of the real processor's certificate, six of them: the
// library counts.
func sgxExtensions(t *testing.T, quote *pb.QuoteV4) []pkix.Extension {
	t.Helper()
	block, _ := pem.Decode(quote.GetSignedData().GetCertificationData().GetQeReportCertificationData().GetPckCertificateChainData().GetPckCertChain())
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return certificate.Extensions
}

// make signs the quote: the processor's key an attestation key, and that key
// the quote.
func (m *trusted) make(t *testing.T) {
	t.Helper()
	attestationKey := newKey(t)
	public, err := attestationKey.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	signed := m.quote.GetSignedData()
	signed.EcdsaAttestationKey = public[1:] // without the mark of an uncompressed point
	certification := signed.GetCertificationData().GetQeReportCertificationData()
	hash := sha256.Sum256(append(public[1:len(public):len(public)], certification.GetQeAuthData().GetData()...))
	certification.QeReport.ReportData = append(hash[:], make([]byte, 32)...)
	report, err := abi.EnclaveReportToAbiBytes(certification.GetQeReport())
	if err != nil {
		t.Fatal(err)
	}
	certification.QeReportSignature = rawSignature(t, m.pck.key.(*ecdsa.PrivateKey), report)
	chain := certification.GetPckCertificateChainData()
	grown := len(m.chain) - len(chain.GetPckCertChain())
	chain.PckCertChain = m.chain
	chain.Size = uint32(len(m.chain))
	signed.CertificationData.Size = uint32(int(signed.CertificationData.Size) + grown)
	m.quote.SignedDataSize = uint32(int(m.quote.SignedDataSize) + grown)

	header, err := abi.HeaderToAbiBytes(m.quote.GetHeader())
	if err != nil {
		t.Fatal(err)
	}
	body, err := abi.TdQuoteBodyToAbiBytes(m.quote.GetTdQuoteBody())
	if err != nil {
		t.Fatal(err)
	}
	signed.Signature = rawSignature(t, attestationKey, append(header, body...))
	raw, err := abi.QuoteToAbiBytes(m.quote)
	if err != nil {
		t.Fatal(err)
	}
	m.evidence.Proof = attestation.Proof{Kind: attestation.KindTDX, Quote: raw}
}

// rawSignature is ECDSA with SHA-256 as R and S of 32 bytes each.
func rawSignature(t *testing.T, key *ecdsa.PrivateKey, message []byte) []byte {
	t.Helper()
	hash := sha256.Sum256(message)
	r, s, err := ecdsa.Sign(rand.Reader, key, hash[:])
	if err != nil {
		t.Fatal(err)
	}
	return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
}

func (m *trusted) check() (Report, error) {
	return (&Policy{TDX: m.policy}).Check(m.evidence, Session{Nonce: []byte("a nonce of 24 bytes, yes"), Peer: m.peer, Now: now})
}

// firmwareChecks are those of every quote that passes.
var firmwareChecks = []string{checkKind, checkQuote, checkDebug, checkNonce, checkTLS, "key: manifest", checkMeasurement}

func TestTDXQuotePasses(t *testing.T) {
	m := newTDX(t)
	body := m.quote.GetTdQuoteBody()
	m.policy.MinimumTEETCBSVN = body.GetTeeTcbSvn()
	report, err := m.check()
	passed(t, report, err, append(slices.Clone(firmwareChecks), "measurement: RTMR1", "measurement: RTMR2")...)
	unproven(t, report, "collateral", "RTMR0", "RTMR3")

	m.policy.RTMRs, m.policy.FirmwareOnly = nil, true
	report, err = m.check()
	passed(t, report, err, firmwareChecks...)
	unproven(t, report, "collateral", "RTMR0", "the kernel: the policy does not pin RTMR1", "command line and initial RAM disk: the policy does not pin RTMR2", "RTMR3")
}

func TestTDXQuoteIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		change      func(*testing.T, *trusted)
		check, says string
	}{
		"wrong root":       {func(t *testing.T, m *trusted) { m.policy.Root = newTDX(t).root.file(t) }, checkQuote, "PCK Certificate"},
		"Intel's own root": {func(_ *testing.T, m *trusted) { m.policy.Root = "" }, checkQuote, "PCK Certificate"},
		"expired certificate": {func(t *testing.T, m *trusted) {
			extensions := sgxExtensions(t, published(t))
			root := (*issuer)(nil).issue(t, "Intel SGX Root CA", newKey(t), authority)
			platform := root.issue(t, "Intel SGX PCK Platform CA", newKey(t), authority)
			m.pck = platform.issue(t, "Intel SGX PCK Certificate", newKey(t), func(c *x509.Certificate) {
				c.ExtraExtensions, c.NotAfter = extensions, now.Add(-time.Hour)
			})
			m.chain = nil
			for _, i := range []*issuer{m.pck, platform, root} {
				m.chain = append(m.chain, asPEM("CERTIFICATE", i.certificate.Raw)...)
			}
			m.policy.Root = root.file(t)
			m.make(t)
		}, checkQuote, "expired"},
		"changed quote": {func(_ *testing.T, m *trusted) { m.evidence.Quote[100]++ }, checkQuote, ""},
		"half a quote":  {func(_ *testing.T, m *trusted) { m.evidence.Quote = m.evidence.Quote[:700] }, checkQuote, ""},
		"debug": {func(t *testing.T, m *trusted) {
			m.quote.TdQuoteBody.TdAttributes[0] = 1
			m.make(t)
		}, checkDebug, "debug mode"},
		"debugging TDX module": {func(t *testing.T, m *trusted) {
			m.quote.TdQuoteBody.SeamAttributes[0] = 1
			m.make(t)
		}, checkDebug, "not a production one"},
		"TDX module of somebody else": {func(t *testing.T, m *trusted) {
			m.quote.TdQuoteBody.MrSignerSeam[0] = 1
			m.make(t)
		}, checkDebug, "not Intel's"},
		// The quote is an earlier one; the reply around it is made to fit.
		"replayed quote": {func(t *testing.T, m *trusted) {
			m.evidence.Quote = newTDX(t).evidence.Quote
			m.evidence.Keys[0].SHA256 = attestation.DigestOf([]byte("of somebody else"))
			m.policy.Root = ""
			m.quote.TdQuoteBody.ReportData[0]++
			m.policy.Root = m.root.file(t)
			m.make(t)
		}, checkReportData, "another request"},
		"replayed reply": {func(_ *testing.T, m *trusted) { m.evidence.Nonce = make([]byte, 24) }, checkNonce, "replays"},
		"other keys": {func(_ *testing.T, m *trusted) {
			m.evidence.Keys[0].SHA256 = attestation.DigestOf([]byte("other"))
		}, checkReportData, "another server"},
		"other TLS key at the other end": {func(t *testing.T, m *trusted) { m.peer, _ = server(t) }, checkTLS, "is in between"},
		// Someone relays a genuine quote and claims its own TLS key.
		"other TLS key in the reply": {func(t *testing.T, m *trusted) {
			m.peer, _ = server(t)
			m.evidence.TLS = attestation.DigestOf(m.peer.RawSubjectPublicKeyInfo)
		}, checkReportData, "another server"},
		"other software":     {func(_ *testing.T, m *trusted) { m.policy.MRTD = make([]byte, 48) }, checkMeasurement, "MR_TD"},
		"other RTMR":         {func(_ *testing.T, m *trusted) { m.policy.RTMRs[2] = make([]byte, 47) }, checkPolicy, "rtmrs[2]"},
		"other kernel":       {func(_ *testing.T, m *trusted) { m.policy.RTMRs[1] = Hex(strings.Repeat("x", 48)) }, "measurement: RTMR1", "the policy has"},
		"other command line": {func(_ *testing.T, m *trusted) { m.policy.RTMRs[2] = Hex(strings.Repeat("x", 48)) }, "measurement: RTMR2", "the policy has"},
		"no kernel":          {func(_ *testing.T, m *trusted) { m.policy.RTMRs[1] = nil }, checkPolicy, "RTMR1 and RTMR2"},
		"no command line":    {func(_ *testing.T, m *trusted) { m.policy.RTMRs = m.policy.RTMRs[:2] }, checkPolicy, "covers the firmware only"},
		"the firmware alone": {func(_ *testing.T, m *trusted) { m.policy.RTMRs = nil }, checkPolicy, "covers the firmware only"},
		"a register that nothing was measured into": {func(t *testing.T, m *trusted) {
			m.quote.TdQuoteBody.Rtmrs[2] = make([]byte, 48)
			m.policy.RTMRs[2] = make([]byte, 48)
			m.make(t)
		}, "measurement: RTMR2", "measured nothing into it"},
		"a register that is pinned in addition to the firmware alone": {func(_ *testing.T, m *trusted) {
			m.policy.FirmwareOnly, m.policy.RTMRs = true, []Hex{nil, Hex(strings.Repeat("x", 48))}
		}, "measurement: RTMR1", "the policy has"},
		"old firmware":               {func(_ *testing.T, m *trusted) { m.policy.MinimumTEETCBSVN = Hex(strings.Repeat("\xff", 16)) }, checkMeasurement, "less than the required minimum"},
		"nothing to hold it against": {func(_ *testing.T, m *trusted) { m.policy.MRTD = nil }, checkPolicy, "mrtd"},
		"no collateral there":        {func(t *testing.T, m *trusted) { m.policy.Collateral = t.TempDir() }, checkQuote, "tcb-info.json"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newTDX(t)
			test.change(t, m)
			report, err := m.check()
			refusal(t, err, test.check, test.says)
			if report.Accepted {
				t.Error("and yet accepted")
			}
		})
	}
}

// collateralFolder is Intel's collateral of the published quote, as a user keeps
// it.
func collateralFolder(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for address, response := range tdxtest.TestGetter.Responses {
		name, header, err := collateralFile(address)
		if err != nil {
			t.Fatal(err)
		}
		files := map[string][]byte{name: response.Body}
		if header != "" {
			chain, err := url.QueryUnescape(response.Header[header][0])
			if err != nil {
				t.Fatal(err)
			}
			files[strings.TrimSuffix(name, filepath.Ext(name))+".pem"] = []byte(chain)
		}
		for name, content := range files {
			if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return folder
}

// TestPublishedTDXQuote checks the quote of a real processor against Intel's
// root. It was made over something else than a server of ours, and that is where
// it is refused.
func TestPublishedTDXQuote(t *testing.T) {
	peer, bound := server(t)
	evidence := attestation.Evidence{Bound: bound, Proof: attestation.Proof{Kind: attestation.KindTDX, Quote: testdata.RawQuote}}
	policy := Policy{TDX: &TDX{MRTD: published(t).GetTdQuoteBody().GetMrTd(), FirmwareOnly: true}}
	session := Session{Nonce: bound.Nonce, Peer: peer, Now: time.Date(2023, 7, 1, 1, 0, 0, 0, time.UTC)}
	report, err := policy.Check(evidence, session)
	refusal(t, err, checkReportData, "another request")
	if len(report.Findings) != 3 || report.Findings[1].Check != checkQuote || report.Findings[2].Check != checkDebug {
		t.Errorf("found %+v", report.Findings)
	}

	t.Run("expired", func(t *testing.T) {
		later := session
		later.Now = time.Date(2053, 7, 1, 1, 0, 0, 0, time.UTC)
		_, err := policy.Check(evidence, later)
		refusal(t, err, checkQuote, "expired")
	})
	// Intel's collateral of that time knows no such firmware as this machine's,
	// which was none for production.
	t.Run("collateral", func(t *testing.T) {
		policy := Policy{TDX: &TDX{MRTD: policy.TDX.MRTD, FirmwareOnly: true, Collateral: collateralFolder(t)}}
		_, err := policy.Check(evidence, session)
		refusal(t, err, checkQuote, "no matching TCB level found")
		if err := os.WriteFile(filepath.Join(policy.TDX.Collateral, "tcb-info.json"), []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err = policy.Check(evidence, session)
		refusal(t, err, checkQuote, "tcbInfo")
	})
}
