package attest

import (
	"testing"

	"github.com/opensbs/sbs/api/attestation"
)

func TestRequiredKinds(t *testing.T) {
	peer, bound := server(t)
	simulated := attestation.Evidence{Bound: bound, Proof: attestation.Proof{Kind: attestation.KindSimulated}}
	session := Session{Nonce: bound.Nonce, Peer: peer, Now: now}
	check := func(kinds ...string) (Report, error) { return (&Policy{Require: kinds}).Check(simulated, session) }

	report, err := check("simulated")
	passed(t, report, err, checkKind)
	if len(report.Unproven) == 0 {
		t.Error("a simulated enclave seems to prove something")
	}
	_, err = check()
	refusal(t, err, checkKind, "simulated")
	_, err = check("hpcr", "tdx", "sev-snp")
	refusal(t, err, checkKind, `"simulated", and hpcr or tdx or sev-snp is required`)
	if _, err = check("simulated", "sgx"); err == nil {
		t.Error("a misspelled kind was accepted")
	}

	whole := Policy{Require: []string{"simulated"}, HPCR: &HPCR{}, TDX: &TDX{}, SEVSNP: &SEVSNP{}}
	report, err = whole.Check(simulated, session)
	passed(t, report, err, checkKind)
	unproven(t, report, `under "hpcr"`, `under "tdx"`, `under "sev-snp"`, "anything")

	d := deploy(t)
	_, err = (&Policy{Require: []string{"tdx"}, HPCR: d.policy}).Check(d.evidence, session)
	refusal(t, err, checkKind, "tdx is required")
}

func TestPolicyFiles(t *testing.T) {
	policy, err := ParsePolicy([]byte(`{"require": ["tdx"], "hpcr": {"contract": "c", "certificate": "/abs", "chain": ["i"], "root": "r"},
		"tdx": {"mrtd": "00ff", "rtmrs": ["", "AB"]}, "sev-snp": {"measurement": "01", "minimum_tcb": {"snp": 8}}}`), "/folder")
	if err != nil {
		t.Fatal(err)
	}
	if h := policy.HPCR; h.Contract != "/folder/c" || h.Certificate != "/abs" || h.Chain[0] != "/folder/i" || h.PlainContract != "" {
		t.Errorf("got %+v", h)
	}
	if policy.TDX.MRTD.String() != "00ff" || len(policy.TDX.RTMRs) != 2 || policy.TDX.RTMRs[1][0] != 0xab || policy.SEVSNP.MinimumTCB.SNP != 8 {
		t.Errorf("got %+v %+v", policy.TDX, policy.SEVSNP)
	}
	for name, text := range map[string]string{
		"misspelled":         `{"requires": []}`,
		"no hex":             `{"tdx": {"mrtd": "xy"}}`,
		"something after":    `{} {}`,
		"a list":             `[]`,
		"no JSON":            `require: tdx`,
		"misspelled beneath": `{"tdx": {"mrtds": "00"}}`,

		// What is pinned and cannot be checked is an error.
		"an empty measurement": `{"tdx": {"mrtd": ""}}`,
		"an empty file":        `{"hpcr": {"contract": "c", "attestation_key": ""}}`,
		"no root":              `{"hpcr": {"contract": "c", "root": null}}`,
		"nothing required":     `{"require": []}`,
		"an empty kind":        `{"require": [""]}`,
		"no checksums":         `{"hpcr": {"contract": "c", "checksums": {}}}`,
		"an empty section":     `{"tdx": {}}`,
		"a section twice":      `{"tdx": {"mrtd": "00"}, "tdx": {"mrtd": "01"}}`,
		"a measurement twice":  `{"tdx": {"mrtd": "00", "MRTD": "01"}}`,
	} {
		if _, err := ParsePolicy([]byte(text), "."); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if _, err := LoadPolicy(file(t, make([]byte, maxFile+1))); err == nil {
		t.Error("an endless policy was read")
	}
}
