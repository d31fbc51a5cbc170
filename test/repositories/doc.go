//go:build stack

// Package repositories builds malicious repositories, which are made to attack the
// server or the reader of its logs: commits that git would not create, packs that
// expand to many times their size, submodules that are commands, Dockerfiles that
// explore their surroundings. The tables state for each whether it is refused, with
// which cause, or built without harm, and what is checked afterwards.
//
// It contains tests only. It trusts the harness, its Git server and the machine's
// Docker Engine. It does not rely on reports of the server under test where a file, the
// engine or a process can be examined instead. Everything that the package
// server/source refuses is tested there; this package has one example of each kind, to
// check the cause that the user gets and that nothing remains.
package repositories
