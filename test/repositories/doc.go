//go:build stack

// Package repositories gives the build server repositories that were made to
// harm it, or whoever reads what it says of them: commits that git would not
// make, packs that swell, submodules that are commands, Dockerfiles that look
// around. Each is refused with a sentence that says why, or harmless; the
// tables say which, and what was looked for.
//
// It holds tests only. It trusts the harness, the git server in it and the
// machine's Docker Engine, and nothing that the server under test says of
// itself where a file, the engine or the process can be looked at instead.
// What the package server/source refuses is tested there, name by name; here
// is one of each kind, for what the user is told and what is left behind.
package repositories
