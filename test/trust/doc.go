// Package trust tests that the verifiers of package signature accept the signatures of
// the server's signers, so that the image of one build can be the base image of another.
//
// It contains tests only. It trusts the harness.
package trust
