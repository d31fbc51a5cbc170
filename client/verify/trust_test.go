package verify_test

import (
	"cmp"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/provenance"
	"github.com/opensbs/sbs/client/verify"
)

// rootID is a key of Docker Content Trust that is known by its id only.
var rootID = strings.Repeat("0a", 32)

// wholeTrust has everything.
func wholeTrust(t *testing.T) verify.Trust {
	t.Helper()
	address, account := withReferrers(t)
	trust := newServer(t).build(t, address, account, changes{}).Trust
	trust.Signatures = append(trust.Signatures, verify.Key{Method: api.SigningDCT, ID: rootID, Key: rootID})
	trust.Notary, trust.NotaryCA = "notary.example.com:4443", authorities
	trust.Mirrors = []string{"mirror.example.com/copies/app"}
	return trust
}

func TestTrustFile(t *testing.T) {
	trust := wholeTrust(t)
	text, err := trust.Encode()
	if err != nil {
		t.Fatal(err)
	}
	read, err := verify.ParseTrust(text)
	if err != nil || !reflect.DeepEqual(read, trust) {
		t.Errorf("%+v, %v, want %+v", read, err, trust)
	}
	for name, change := range map[string]func(*verify.Trust){
		"no repository":              func(t *verify.Trust) { t.Repository = "" },
		"a repository that is short": func(t *verify.Trust) { t.Repository = "alpine" },
		"a mirror with a tag":        func(t *verify.Trust) { t.Mirrors = []string{"mirror.example.com/ns/app:v1"} },
		"a mirror that is short":     func(t *verify.Trust) { t.Mirrors = []string{"app"} },
		"the repository as mirror":   func(t *verify.Trust) { t.Mirrors = []string{t.Repository} },
		"a repository with a tag":    func(t *verify.Trust) { t.Repository += ":latest" },
		"no key":                     func(t *verify.Trust) { *t = verify.Trust{Version: 1, Repository: t.Repository} },
		"another id":                 func(t *verify.Trust) { t.Manifest = &verify.Key{ID: rootID, Key: t.Manifest.Key} },
		"another id of a signature":  func(t *verify.Trust) { t.Signatures[0].ID = rootID },
		"a method twice":             func(t *verify.Trust) { t.Signatures[1].Method = t.Signatures[0].Method },
		"no method":                  func(t *verify.Trust) { t.Signatures[1].Method = "" },
		"an unknown method":          func(t *verify.Trust) { t.Signatures[1].Method = "x509" },
		"a key that is none":         func(t *verify.Trust) { t.Signatures[1].Key = "key" },
		"no root key":                func(t *verify.Trust) { t.Signatures[3].Key = " " },
		"no notary server":           func(t *verify.Trust) { t.Notary = "" },
		"Docker's notary server":     func(t *verify.Trust) { t.Notary = "https://notary.docker.io" },
		"no key of attestations":     func(t *verify.Trust) { t.Attestations = nil },
		"a private key after the key": func(t *verify.Trust) {
			t.Manifest = &verify.Key{ID: t.Manifest.ID, Key: t.Manifest.Key + privateKey}
		},
		"a private key before a signature's":   func(t *verify.Trust) { t.Signatures[1].Key = privateKey + t.Signatures[1].Key },
		"a private key among the authorities":  func(t *verify.Trust) { t.NotaryCA += privateKey },
		"unknown source anchors":               func(t *verify.Trust) { t.SourceAnchors = "some" },
		"a private key as the source":          func(t *verify.Trust) { t.Source = privateKey },
		"no certificate among the authorities": func(t *verify.Trust) { t.NotaryCA = "hello" },
		"an unknown attestation":               func(t *verify.Trust) { t.Published = []string{"vex"} },
	} {
		t.Run(name, func(t *testing.T) {
			changed, err := verify.ParseTrust(text)
			if err != nil {
				t.Fatal(err)
			}
			change(&changed)
			if _, err := changed.Encode(); err == nil {
				t.Error("written")
			}
			wrong, err := json.Marshal(changed)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := verify.ParseTrust(wrong); err == nil {
				t.Error("read")
			}
		})
	}
	for name, text := range map[string]string{
		"nothing":          "",
		"something after":  string(text) + "{}",
		"an unknown key":   strings.Replace(string(text), `"version"`, `"require": true, "version"`, 1),
		"a later version":  strings.Replace(string(text), `"version": 1`, `"version": 2`, 1),
		"an empty builder": strings.Replace(string(text), `"version"`, `"builder": "", "version"`, 1),
		"no keys":          strings.Replace(string(text), `"version"`, `"signatures": null, "version"`, 1),
		"a member twice":   strings.Replace(string(text), `"version"`, `"Source": "x", "version"`, 1),
		"too long":         string(text) + strings.Repeat(" ", 4<<20),
	} {
		if _, err := verify.ParseTrust([]byte(text)); err == nil {
			t.Errorf("%s: read", name)
		}
	}
}

// The replies of a server become a trust file that requires all of it.
func TestTrustInputs(t *testing.T) {
	whole := wholeTrust(t)
	inputs := verify.TrustInputs{
		Image:    api.ImageConfig{RepositoryName: whole.Repository},
		Manifest: api.PublicKey{PublicKeyPEM: whole.Manifest.Key},
		Enclave:  "contract",
		Parameters: api.Parameters{
			GitHubURL: gitURL, TrustPushServer: whole.Notary, TrustCA: whole.NotaryCA,
			Attestations: api.Attestations{api.AttestationSBOM},
		},
	}
	for _, key := range whole.Signatures {
		inputs.Image.Signatures = append(inputs.Image.Signatures, api.ImageSignature{Method: key.Method, ID: key.ID, Key: key.Key})
	}
	inputs.Image.Signatures = append(inputs.Image.Signatures, api.ImageSignature{Method: api.KeyOfAttestations, Key: whole.Attestations.Key})
	got, err := inputs.Trust()
	whole.Published, whole.Mirrors = []string{api.AttestationSBOM}, nil // which a server does not know
	if err != nil || !reflect.DeepEqual(got, whole) {
		t.Errorf("%+v, %v, want %+v", got, err, whole)
	}
}

// Attestations that are not published are in the manifest, and only there.
func TestUnpublished(t *testing.T) {
	s := newServer(t)
	address, account := withReferrers(t)
	w := s.build(t, address, account, changes{bundle: func(name string, text []byte) []byte {
		if name == "signature" {
			return text
		}
		return nil
	}})
	w.Trust.Published = nil
	got := outcomes(w.run())
	if len(got) != 2 || got["copies"] != verify.NotChecked {
		t.Errorf("with the manifest: %v", got)
	}
	w.Manifest = ""
	if got := outcomes(w.run()); got["provenance"] != verify.Failed || got["bill of materials"] != verify.Failed {
		t.Errorf("without the manifest: %v", got)
	}
}

// A check is not done without a key for it, or when it is skipped by name.
func TestNotChecked(t *testing.T) {
	s := newServer(t)
	address, account := withReferrers(t)
	w := s.build(t, address, account, changes{})
	w.Skip = []string{verify.PartManifest, api.SigningSimple}
	w.Manifest, w.Lookaside = "", ""
	report := w.run()
	if got := outcomes(report); got["manifest"] != verify.NotChecked || got["signature simple"] != verify.NotChecked || got["tag"] != verify.NotChecked {
		t.Errorf("%v", got)
	}
	if verdict := report.Verdict(); report.Outcome != verify.Passed || !strings.Contains(verdict, "in part: left out was manifest, simple") {
		t.Errorf("%s: %s", report.Outcome, verdict)
	}
	if w.Reference.Tag = "v1-0a0a0a0"; outcomes(w.run())["tag"] != verify.NotChecked {
		t.Error("a tag is shown as passed that only the registry vouches for")
	}
	w.Trust = verify.Trust{Version: 1, Repository: w.Trust.Repository, Manifest: w.Trust.Manifest}
	if _, err := verify.Run(t.Context(), w.Request); err == nil {
		t.Error("judged with nothing left to check")
	}
}

func TestSimulatedEnclaveIsReported(t *testing.T) {
	s := newServer(t)
	address, account := withReferrers(t)
	w := s.build(t, address, account, changes{predicate: func(p *provenance.Predicate) {
		p.RunDetails.Builder.ID = provenance.BuilderID("simulated")
	}})
	w.Trust.Builder = provenance.BuilderID("simulated")
	if report := w.run(); report.Outcome != verify.Failed || !strings.HasPrefix(report.Verdict(), "NOT VERIFIED: the enclave is SIMULATED") {
		t.Errorf("not allowed: %s", report.Text())
	}
	w.AllowSimulated = true
	report := w.run()
	if report.Outcome != verify.Passed || report.Enclave != "simulated" || strings.Count(report.Text(), "SIMULATED") != 2 {
		t.Errorf("%s", report.Text())
	}
}

// Whatever the trust file and --skip leave out, a simulated enclave is named: the
// build record has it where there is no provenance. Where neither is checked, or
// neither has it, the kind is not known, and that is no better.
func TestSimulatedIsNeverHidden(t *testing.T) {
	s := newServer(t)
	address, account := withReferrers(t)
	for _, kind := range []string{"contract", "simulated", ""} {
		w := s.build(t, address, account, changes{
			predicate: func(p *provenance.Predicate) {
				if kind != "" { // a provenance always names one
					p.RunDetails.Builder.ID = provenance.BuilderID(kind)
				}
			},
			record: func(r map[string]any) { r["enclave"] = kind },
		})
		w.Trust.Builder = ""
		whole := w.Trust
		for _, attested := range []bool{true, false} {
			for _, skip := range [][]string{nil, {verify.PartSBOM}, {verify.PartProvenance}, {verify.PartManifest}, {verify.PartManifest, verify.PartProvenance}} {
				if w.Trust = whole; !attested {
					w.Trust.Attestations, w.Trust.Published = nil, nil
				}
				w.Skip = skip
				found := kind
				switch {
				case attested && !slices.Contains(skip, verify.PartProvenance):
					found = cmp.Or(kind, "contract")
				case slices.Contains(skip, verify.PartManifest):
					found = ""
				}
				want := map[string]string{"contract": "", "simulated": "SIMULATED", "": "NOT KNOWN"}[found]
				w.AllowSimulated = false
				report := w.run()
				if denied := report.Outcome == verify.Failed; denied != (want != "") || !strings.Contains(report.Verdict(), want) || !report.Judged {
					t.Errorf("%q, attested %v, without %v: denied %v: %s", kind, attested, skip, denied, report.Text())
				}
				w.AllowSimulated = true
				report = w.run()
				lines := strings.Split(strings.TrimSpace(report.Text()), "\n")
				last := lines[len(lines)-1]
				if named := strings.Contains(last, "SIMULATED") || strings.Contains(last, "NOT KNOWN"); report.Outcome != verify.Passed || named != (want != "") || !strings.Contains(last, want) || report.Enclave != found {
					t.Errorf("%q, attested %v, without %v: %s", kind, attested, skip, report.Text())
				}
			}
		}
	}
}

// TestEnclavesDiffer: the record and the provenance name the same kind.
func TestEnclavesDiffer(t *testing.T) {
	s := newServer(t)
	address, account := withReferrers(t)
	w := s.build(t, address, account, changes{record: func(r map[string]any) { r["enclave"] = "simulated" }})
	if got := outcomes(w.run()); got["builder"] != verify.Failed {
		t.Errorf("%v", got)
	}
}

// TestSourceAnchors: what the developer gave to know the git host by is named,
// and can be refused.
func TestSourceAnchors(t *testing.T) {
	s := newServer(t)
	address, account := withReferrers(t)
	for _, test := range []struct {
		given, want []string
		outcome     string // where the trust file takes none
	}{
		{nil, []string{}, verify.Passed},
		{[]string{"GITHUB_KNOWN_HOSTS"}, []string{"GITHUB_KNOWN_HOSTS"}, verify.Failed},
		{[]string{"GITHUB_CA", "GITHUB_KNOWN_HOSTS"}, []string{"GITHUB_CA", "GITHUB_KNOWN_HOSTS"}, verify.Failed},
	} {
		w := s.build(t, address, account, changes{predicate: func(p *provenance.Predicate) {
			for _, key := range test.given {
				p.BuildDefinition.ExternalParameters[key] = "given"
			}
		}})
		report := w.run()
		if report.Outcome != verify.Passed || !slices.Equal(report.SourceAnchors, test.want) || strings.Contains(report.Text(), "what the developer gave") != (len(test.given) > 0) {
			t.Errorf("%v: %s", test.given, report.Text())
		}
		w.Trust.SourceAnchors = verify.AnchorsNone
		if got := outcomes(w.run()); got["source"] != test.outcome && (test.outcome == verify.Failed || got["source"] != "") {
			t.Errorf("%v, and none taken: %v", test.given, got)
		}
	}
}

// What others wrote does not move a terminal's cursor.
func TestTextIsPrintable(t *testing.T) {
	report := verify.Report{Image: "a\x1b[2J", Checks: []verify.Row{{Check: "image", Outcome: verify.Failed, Found: "x\r\x1b]0;y\u202e"}}}
	if text := report.Text(); strings.ContainsAny(text, "\x1b\r\u202e") || !strings.Contains(text, "FAILED") {
		t.Errorf("%q", text)
	}
}

// authorities are the notary server's.
const authorities = `-----BEGIN CERTIFICATE-----
MIIBeTCCAR+gAwIBAgIUKZjfHSmWJoZAdy/fzznzps1B49UwCgYIKoZIzj0EAwIw
ETEPMA0GA1UEAwwGbm90YXJ5MCAXDTI2MTEyNTE2MjcwMFoYDzIxMjYxMTAxMTYy
NzAwWjARMQ8wDQYDVQQDDAZub3RhcnkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AARiksoPQ1pQSdx/rNTgjAnyvJr40coRTdfCK05zN+6vZMoOtJY5tVDzfgZcWphQ
oT8w9LObzknji6YeRcrL6X1Lo1MwUTAdBgNVHQ4EFgQU3Kfx1EgyI8UIs3Ga6B//
HegCuLwwHwYDVR0jBBgwFoAU3Kfx1EgyI8UIs3Ga6B//HegCuLwwDwYDVR0TAQH/
BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiBkofBrY87lVAtkiD2W6gV3h8kDCIql
w4XhTtKYE3UZPwIhAMl0sbLVu077Wvaz0Vc9jgkGwJNJ+oWs9KsnIw63zpKx
-----END CERTIFICATE-----
`

// privateKey is the form of one.
const privateKey = "-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----\n"
