//go:build stack

// Package crash kills the build server, as it runs in production, at instants
// that nobody chose, and looks whether anything is lost, half done or left
// behind when it is started again. The instants come out of a seed, which is
// printed first; make test-crash INSTANTS=200 SEED=1 repeats a run as far as
// the machine lets it.
//
// Half of the instants are points in the time that an operation takes; the
// other half come right after the nth change of a file on the data volume,
// because what may go wrong there lasts for microseconds.
//
// It holds tests only. It trusts the harness and the judges that are not ours
// (docker, cosign, skopeo), and nothing that the server says of itself but what
// is compared with the volume, the registry and the engine.
package crash
