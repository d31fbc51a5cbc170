// Package advice joins an error with what its reader can do next: a sentence, or
// the code of one where the sentence names commands of a program.
//
// It is for errors that reach a person who can fix them: a file that is
// missing, a certificate that has expired. It trusts its callers to put no
// secret into either text, and never prints anything itself.
package advice
