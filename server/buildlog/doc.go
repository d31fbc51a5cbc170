// Package buildlog writes the log of one build and redacts secrets from it.
//
// It trusts nobody's text: what the server, the builder or the repository's own
// programs print may contain secrets, escape sequences and lines of any length.
// Every line is redacted before it is written. A secret is found in clear and in
// the encodings in which tools and HTTP print it (see Redactor). A Dockerfile that
// takes a secret apart before it prints it is not found.
//
// No secret of the build or of the operator is ever written to the log, no control
// character that could change what a terminal shows, and no line that does not
// begin with the time. A line and the whole log are bounded. The package reads no
// log back, and stores no secret anywhere but in memory.
package buildlog
