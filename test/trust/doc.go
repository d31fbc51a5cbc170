// Package trust tests that what the server signs is what its own library for
// checking signatures takes, so that one build's image can be the next one's
// base, and that the two spell each format alike.
//
// It holds tests only. It trusts the harness.
package trust
