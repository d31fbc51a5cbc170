//go:build stack

// Package e2e tests the whole product from outside: the programs as they are
// built, on a local stack of real parts and the machine's Docker Engine. What
// the tests look at is what a user, an auditor or an attacker could see: the
// protocol, the registry, the notary server, the engine and the data volume.
//
// It holds tests only. It trusts the harness and the judges that are not ours
// (docker, git, tar, openssl). A gate stands between the build server and each
// part it talks to, so that a test can hold a build in any step, or take a part
// away. No test waits for a time to pass, and nothing outlives the run.
package e2e
