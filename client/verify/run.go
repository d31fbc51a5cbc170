package verify

// One run: the inputs are gathered, the rows are checked one after the other.

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/signature/registry"
)

// Run makes all checks and returns their report, with the outcome of the image. An
// error means that there is no report: ctx ended, the request has no meaningful
// verdict, or Request.Server did not return the requested data.
func Run(ctx context.Context, request Request) (report Report, err error) {
	if err := request.validate(); err != nil {
		return Report{}, err
	}
	scratch, err := os.MkdirTemp("", "sbs-verify-")
	if err != nil {
		return Report{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	a := &audit{Request: request, scratch: scratch, passed: map[string]bool{}}
	defer a.close()
	if err := a.fetchFromServer(ctx); err != nil {
		return Report{}, err
	}
	rows, err := a.rows(ctx)
	if err != nil {
		return Report{}, err
	}
	return a.report(rows), nil
}

// audit is one run: the request, with what the server had of it, and what is known
// so far.
type audit struct {
	Request
	evidence
	scratch    string          // a folder that only this user can read
	passed     map[string]bool // checks by name
	repository *registry.Repository
}

func (a *audit) close() {
	if a.repository != nil {
		a.repository.Close()
	}
}

// fetchFromServer reads from Request.Server what the request names no other source
// for.
func (a *audit) fetchFromServer(ctx context.Context) (err error) {
	if a.Server == nil {
		return nil
	}
	if a.Manifest == "" && a.Trust.hasKey(PartManifest) {
		if _, a.Manifest, err = a.Server.SaveManifest(ctx, a.BuildName, a.scratch); err != nil {
			return err
		}
	}
	if a.Lookaside != "" || !a.Trust.hasKey(api.SigningSimple) {
		return nil
	}
	config, err := a.Server.ImageConfig(ctx)
	if err != nil || config.Lookaside == "" {
		return err
	}
	a.Lookaside = filepath.Join(a.scratch, "lookaside")
	_, err = a.Server.SaveSignatures(ctx, a.Lookaside)
	return err
}

// rows runs all checks in the order of the table.
func (a *audit) rows(ctx context.Context) (rows []Row, err error) {
	for _, c := range checks() {
		row := a.row(ctx, c)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		a.passed[c.name] = row.Outcome == Passed
		rows = append(rows, row)
	}
	return rows, nil
}

// row runs one check.
func (a *audit) row(ctx context.Context, c check) Row {
	row := Row{Check: c.name, Outcome: NotChecked, Proves: c.proves}
	if row.Found = a.skipReason(c.part); row.Found != "" {
		return row
	}
	for _, need := range c.needs {
		if !a.passed[need] {
			row.Found = fmt.Sprintf("the check %q did not pass, and this one depends on it", need)
			return row
		}
	}
	found, err := c.run(ctx, a)
	var skipped *skippedError
	switch {
	case errors.As(err, &skipped):
		row.Found = skipped.Error()
	case err != nil:
		row.Outcome, row.Found, row.Unread = Failed, err.Error(), unread(err)
	default:
		row.Outcome, row.Found = Passed, found
	}
	return row
}

// report returns the report of the rows.
func (a *audit) report(rows []Row) Report {
	report := Report{
		Version:          reportVersion,
		Outcome:          Passed,
		Image:            a.Reference.String(),
		Digest:           a.digest,
		Enclave:          a.enclave,
		SimulatedAllowed: a.AllowSimulated,
		SourceAnchors:    a.anchors,
		OperatorAnchors:  a.operatorsAnchors(),
		LeftOut:          append([]string{}, a.Skip...),
		Checks:           rows,
	}
	if a.Mirrored() {
		report.MirrorOf = a.Trust.Repository
	}
	if report.Enclave == "" && a.passed[checkBuild] {
		report.Enclave = a.record.Enclave
	}
	if report.count(Failed) > 0 || report.denied() {
		report.Outcome = Failed
	}
	report.Judged = report.judged()
	return report
}

// skippedError is the reason of a check without a result that has not failed.
type skippedError struct{ reason string }

func (e *skippedError) Error() string { return e.reason }
