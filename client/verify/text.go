package verify

// The report for people.

import (
	"fmt"
	"strings"
	"unicode"
)

// column is the width of the column of outcomes.
const column = len("not checked") + 2

// Text is the report as a table: what was found, and below it what that proves.
func (r Report) Text() string {
	var text strings.Builder
	fmt.Fprintf(&text, "image %s\n", printable(r.Image))
	if r.MirrorOf != "" {
		fmt.Fprintf(&text, "verified as a copy of %s\n", printable(r.MirrorOf))
	}
	text.WriteByte('\n')
	for _, row := range r.Checks {
		fmt.Fprintf(&text, "%-*s%s: %s\n", column, shown(row.Outcome), row.Check, printable(row.Found))
		if row.Outcome == Passed {
			fmt.Fprintf(&text, "%-*sproves %s\n", column, "", row.Proves)
		}
	}
	fmt.Fprintf(&text, "\n%s%s\n", r.Verdict(), r.mirror())
	return text.String()
}

// Verdict is the report in one sentence.
func (r Report) Verdict() string {
	failed := r.count(Failed)
	switch {
	case failed > 0:
		return fmt.Sprintf("NOT VERIFIED: %d of %d checks failed", failed, len(r.Checks))
	case r.denied() && r.Enclave == "":
		return "NOT VERIFIED: the kind of enclave is NOT KNOWN: no manifest and no provenance that was checked names it; to do without it, --allow-simulated accepts it"
	case r.denied():
		return fmt.Sprintf("NOT VERIFIED: the enclave is SIMULATED (%.50q): its owner could have signed anything; to try things out, --allow-simulated accepts it", r.Enclave)
	case len(r.LeftOut) > 0:
		return "verified in part: left out was " + strings.Join(r.LeftOut, ", ") + r.enclave("; ")
	case r.enclave("") != "":
		return "verified, " + r.enclave("")
	}
	return "verified: everything that the trust file has a key for"
}

// denied reports whether the kind of the enclave alone refuses the image: it is
// not one that keeps its keys, or not known.
func (r Report) denied() bool {
	return r.Enclave != real && !r.SimulatedAllowed
}

// enclave returns the part of the verdict about the kind of the enclave.
func (r Report) enclave(before string) string {
	switch r.Enclave {
	case real:
		return ""
	case "":
		return before + "but the kind of enclave is NOT KNOWN: its owner could have signed anything"
	}
	return before + "as far as a SIMULATED enclave can be: its owner could have signed anything"
}

func (r Report) count(outcome string) int {
	n := 0
	for _, row := range r.Checks {
		if row.Outcome == outcome {
			n++
		}
	}
	return n
}

func shown(outcome string) string {
	switch outcome {
	case Failed:
		return "FAILED"
	case NotChecked:
		return "not checked"
	}
	return outcome
}

// printable keeps what others wrote from moving the cursor of a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
}

// mirror names the repository that the image is a copy of; empty: it is none.
func (r Report) mirror() string {
	if r.MirrorOf == "" {
		return ""
	}
	return " (a copy of " + printable(r.MirrorOf) + ")"
}
