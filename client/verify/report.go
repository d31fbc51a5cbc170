package verify

// The report: one row for each check, and the outcome of all.

import "github.com/opensbs/sbs/api/record"

// Outcomes of rows, and of a report.
const (
	Passed     = "passed"
	Failed     = "failed"
	NotChecked = "not_checked"
)

const reportVersion = 1

// Report is the result of Run, and the JSON form of it: members are added, never
// changed.
type Report struct {
	Version int    `json:"version"` // of this form: 1
	Outcome string `json:"outcome"` // Passed only where no row failed
	// Judged is false where the image did not pass only because something could not
	// be fetched or was not given: see Row.Unread.
	Judged bool   `json:"judged"`
	Image  string `json:"image"` // as the request names it
	// MirrorOf is the repository that the signatures had to name, where the image was
	// read from another one.
	MirrorOf string `json:"mirror_of"`
	Digest   string `json:"digest"` // to which the registry resolves the image; empty where it does not
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
	// Unread is true where the row failed because its input could not be fetched or
	// was not given, and not because something is wrong with it.
	Unread bool `json:"unread,omitempty"`
}
