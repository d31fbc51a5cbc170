// Package advice joins an error with what its reader can do next.
//
// It is for errors that reach a person who can fix them: a file that is
// missing, a certificate that has expired. It trusts its callers to put no
// secret into either text, and never prints anything itself.
package advice
