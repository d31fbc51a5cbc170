package attest

import (
	"crypto/x509"
	"slices"
	"testing"

	snpdata "github.com/google/go-sev-guest/verify/testdata"
	"github.com/google/go-tdx-guest/testing/testdata"

	"github.com/opensbs/sbs/api/attestation"
)

// FuzzQuotes lets a server send any quote and any certificate table: none is
// accepted, and none ends the program.
func FuzzQuotes(f *testing.F) {
	f.Add(true, testdata.RawQuote, []byte(nil))
	f.Add(true, longer(testdata.RawQuote), []byte(nil))
	f.Add(false, snpdata.AttestationBytes[:0x4a0], []byte(nil))
	f.Add(false, snpdata.AttestationBytes[:0x4a0], snpdata.AttestationBytes[0x4a0:])
	peer := &x509.Certificate{RawSubjectPublicKeyInfo: []byte("key")}
	bound := attestation.Bound{Nonce: make([]byte, 32), TLS: attestation.DigestOf(peer.RawSubjectPublicKeyInfo)}
	policy := Policy{TDX: &TDX{MRTD: make([]byte, 48)}, SEVSNP: &SEVSNP{Measurement: make([]byte, 48)}}
	f.Fuzz(func(t *testing.T, tdx bool, quote, table []byte) {
		kind := attestation.KindSEVSNP
		if tdx {
			kind = attestation.KindTDX
		}
		evidence := attestation.Evidence{Bound: bound, Proof: attestation.Proof{Kind: kind, Quote: quote, Certificates: table}}
		if report, err := policy.Check(evidence, Session{Nonce: bound.Nonce, Peer: peer, Now: now}); err == nil || report.Accepted {
			t.Error("accepted")
		}
	})
}

// longer claims more of the QE's authentication data than there
// is of the quote. The library believed it.
func longer(quote []byte) []byte {
	const size = 48 + 584 + 4 + 64 + 64 + 6 + 384 + 64 // the bytes before that length
	quote = slices.Clone(quote)
	quote[size], quote[size+1] = 0xff, 0xff
	return quote
}

func FuzzRecord(f *testing.F) {
	f.Add([]byte("25.11.0\n" + line("x", "contract:env")))
	f.Add([]byte(line("x", "contract:env ") + line("y", "contract:env")))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := parseRecord(text)
		if err == nil && len(r.sums) == 0 {
			t.Error("a record without checksums was read")
		}
	})
}
