package attest

import (
	"github.com/opensbs/sbs/api/attestation"
	"github.com/opensbs/sbs/client/advice"
)

// Finding is one check that evidence has passed.
type Finding struct {
	Check  string `json:"check"`
	Found  string `json:"found"`
	Proves string `json:"proves"`
}

// Report is the result of checking a server's attestation.
type Report struct {
	Kind     string            `json:"kind"`
	Accepted bool              `json:"accepted"`
	Findings []Finding         `json:"findings"`
	Keys     []attestation.Key `json:"keys"` // of the latest build, as the server names them

	// Unproven is what was not proven although it could be, in words.
	Unproven []string `json:"unproven,omitempty"`
}

func (r *Report) pass(check, found, proves string) {
	r.Findings = append(r.Findings, Finding{check, found, proves})
}

// Refusal is evidence that did not pass a check.
type Refusal struct {
	Check string // the name of the check
	cause error
	next  string
}

func (e *Refusal) Error() string { return "attestation refused: " + e.Check + ": " + e.cause.Error() }

// Unwrap returns why.
func (e *Refusal) Unwrap() error { return e.cause }

// Judged reports whether the evidence was held against the policy. It was not where
// the policy is incomplete, or a file that it names can't be read.
func (e *Refusal) Judged() bool { return e.Check != checkPolicy }

// Next returns what to do next.
func (e *Refusal) Next() string {
	if next := advice.Next(e.cause); next != "" {
		return next
	}
	return e.next
}

// refuse names the check that failed. Unless the cause has better advice, it is
// to send nothing.
func refuse(check string, cause error) error {
	return &Refusal{Check: check, cause: cause, next: "send this server nothing: find out who runs it; docs/attestation.md explains each check"}
}
