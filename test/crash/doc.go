//go:build stack

// Package crash kills the build server, as it runs in production, at random instants.
// After a restart it checks that nothing is lost, incomplete or not cleaned up. The
// instants are drawn from a seed, which is printed first; make test-crash INSTANTS=200
// SEED=1 repeats a run as far as the timing of the machine allows.
//
// Half of the instants are points in time during an operation. The other half come
// immediately after the nth change of a file on the data volume, because critical
// states there last only microseconds.
//
// It contains tests only. It trusts the harness and independent verifiers (docker,
// cosign, skopeo). Reports of the server are compared with the volume, the registry and
// the engine.
package crash
