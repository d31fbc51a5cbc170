//go:build stack

// Package e2e tests the whole product from outside: the real programs, on a local
// stack of real parts and the machine's Docker Engine. The tests check what a user,
// an auditor or an attacker can see: the protocol, the registry, the notary server,
// the engine and the data volume.
//
// It holds tests only. It trusts the harness and the verifiers of other projects
// (docker, cosign, skopeo, git, tar, openssl). The server reaches each of its
// dependencies through a gate, so that a test can hold a build in any step or make a
// dependency fail. No test sleeps, and nothing outlives the run.
package e2e
