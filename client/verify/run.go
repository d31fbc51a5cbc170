package verify

// One run: what is asked, the rows one after the other, and the report.

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/opensbs/sbs/api/record"
	"github.com/opensbs/sbs/client/advice"
	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/signature/registry"
)

// Request says what to judge, and by what.
type Request struct {
	// Reference is the image. Its repository is the trust file's, or a mirror of that.
	Reference signature.Reference
	// MirrorOf is the repository of which Reference is a copy; empty: it is none,
	// unless the trust file has it among its mirrors.
	MirrorOf string
	// Access is how its registry is talked to.
	Access signature.Access
	// Origin is how the notary server of an image is talked to that is read from a
	// mirror, whose account is not sent there.
	Origin signature.Access
	Trust  Trust
	// Lookaside is where simple signatures lie: an absolute path or a URL; empty:
	// in the registry.
	Lookaside string
	// Manifest is the path of a .sig.tbz; empty: there is none.
	Manifest string
	// Scratch is a folder that only this user can read; what is made in it is
	// gone when Run returns.
	Scratch string
	// AllowSimulated accepts what a simulated enclave signed.
	AllowSimulated bool
	// Skip are parts that are left out: PartManifest and so on, and the ways of
	// signing.
	Skip []string
}

// Outcomes of rows, and of a report.
const (
	Passed     = "passed"
	Failed     = "failed"
	NotChecked = "not_checked"
)

// Report is what came of it, and the JSON of sbs-cli verify: members are added,
// never changed.
type Report struct {
	Version int    `json:"version"` // of this form: 1
	Outcome string `json:"outcome"` // Passed only where no row failed
	// Judged is false where the image did not pass only because something could not
	// be fetched or was not given: see Row.Unread.
	Judged bool   `json:"judged"`
	Image  string `json:"image"` // as it was asked for
	// MirrorOf is the repository as whose image it was judged, where it was read from
	// another one.
	MirrorOf string `json:"mirror_of"`
	Digest   string `json:"digest"` // what the registry leads to; empty where it does not
	// Enclave is the kind that the provenance names, or else the build record;
	// "simulated" proves nothing to others.
	Enclave string `json:"enclave"`
	// SimulatedAllowed is Request.AllowSimulated; without it an enclave that is
	// simulated does not pass, nor one whose kind is not known.
	SimulatedAllowed bool `json:"simulated_allowed"`
	// SourceAnchors are the parameters in which the developer gave keys or CAs of
	// the git host; null where that is not known.
	SourceAnchors []string `json:"source_anchors"`
	// OperatorAnchors are the texts with keys or CAs of hosts that the server's
	// operator gave; null where that is not known.
	OperatorAnchors []record.Anchor `json:"operator_anchors"`

	LeftOut []string `json:"left_out"` // by Request.Skip
	Checks  []Row    `json:"checks"`
}

// Row is one check.
type Row struct {
	Check   string `json:"check"`   // its name, which stays
	Outcome string `json:"outcome"` // Passed, Failed or NotChecked
	Found   string `json:"found"`   // what was found, or why not
	Proves  string `json:"proves"`  // what it proves when it passed
	// Unread is true where the row failed because what it is about could not be
	// fetched or was not given, and not because something is wrong with it.
	Unread bool `json:"unread,omitempty"`
}

const reportVersion = 1

// Run goes through all checks. The error is that ctx ended, or a request that
// can't be judged at all; that an image is not to be trusted stands in the
// report.
func Run(ctx context.Context, request Request) (Report, error) {
	if err := request.check(); err != nil {
		return Report{}, err
	}
	a := &audit{Request: request, passed: map[string]bool{}}
	defer a.close()
	report := Report{
		Version: reportVersion,
		Outcome: Passed,
		Image:   request.Reference.String(),
		LeftOut: append([]string{}, request.Skip...),
	}
	for _, c := range checks() {
		row := a.row(ctx, c)
		if ctx.Err() != nil {
			return Report{}, context.Cause(ctx)
		}
		a.passed[c.name] = row.Outcome == Passed
		if row.Outcome == Failed {
			report.Outcome = Failed
		}
		report.Checks = append(report.Checks, row)
	}
	if request.Mirrored() {
		report.MirrorOf = request.Trust.Repository
	}
	report.Digest, report.Enclave, report.SourceAnchors = a.digest, a.enclave, a.anchors
	report.OperatorAnchors = a.operatorsAnchors()
	if report.Enclave == "" && a.passed[checkBuild] {
		report.Enclave = a.record.Enclave
	}
	if report.SimulatedAllowed = request.AllowSimulated; report.denied() {
		report.Outcome = Failed
	}
	report.Judged = report.judged()
	return report, nil
}

// check refuses what could only be judged wrongly.
func (r Request) check() error {
	if err := r.Reference.Validate(); err != nil {
		return err
	}
	if err := r.Trust.Check(); err != nil {
		return fmt.Errorf("trust file: %w", err)
	}
	if err := r.checkName(); err != nil {
		return err
	}
	for _, part := range r.Skip {
		if !slices.Contains(parts(), part) {
			return advice.New(fmt.Errorf("%.50q is nothing that can be left out", part), "leave out one of "+strings.Join(parts(), ", "))
		}
	}
	a := &audit{Request: r}
	if !slices.ContainsFunc(checks(), func(c check) bool { return c.part != "" && a.undemanded(c) == "" }) {
		return advice.New(errors.New("nothing is left to check"), "leave out less")
	}
	return nil
}

// audit is one run: what was asked, and what is known so far.
type audit struct {
	Request
	evidence
	passed     map[string]bool // checks by name
	repository *registry.Repository
}

func (a *audit) close() {
	if a.repository != nil {
		a.repository.Close()
	}
}

// row runs one check.
func (a *audit) row(ctx context.Context, c check) Row {
	row := Row{Check: c.name, Outcome: NotChecked, Proves: c.proves}
	if row.Found = a.undemanded(c); row.Found != "" {
		return row
	}
	for _, need := range c.needs {
		if !a.passed[need] {
			row.Found = fmt.Sprintf("the check %q did not pass, on which this one rests", need)
			return row
		}
	}
	found, err := c.run(ctx, a)
	var not *uncheckedError
	switch {
	case errors.As(err, &not):
		row.Found = not.Error()
	case err != nil:
		row.Outcome, row.Found, row.Unread = Failed, err.Error(), unread(err)
	default:
		row.Outcome, row.Found = Passed, found
	}
	return row
}

// undemanded says why a check is not made, or "" when it is.
func (a *audit) undemanded(c check) string {
	switch {
	case slices.Contains(a.Skip, c.part):
		return "left out"
	case c.part != "" && !a.hasKey(c.part):
		return "the trust file has no key for it"
	}
	return ""
}

func (a *audit) hasKey(part string) bool {
	switch part {
	case PartManifest:
		return a.Trust.Manifest != nil
	case PartProvenance, PartSBOM:
		return a.Trust.Attestations != nil
	}
	return a.Trust.signature(part) != nil
}

// uncheckedError is why a check came to nothing without anything being wrong.
type uncheckedError struct{ reason string }

func (e *uncheckedError) Error() string { return e.reason }
