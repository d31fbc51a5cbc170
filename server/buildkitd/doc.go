// Package buildkitd runs BuildKit's daemon as a process of the server's own: program,
// configuration, network and cleanup. Package server/daemon supervises it.
//
// It trusts the buildkitd program it is given, runc, iptables and the CNI plugins. It
// does not trust the commands of a Dockerfile, which the daemon runs, and not the data
// volume while no server runs: each start of the daemon, also after a crash, begins
// without images, layers, cache and history.
//
// A command of a build is in a network of its own, with a bridge of this daemon as its gateway. It
// reaches other machines, but no address of this machine, no metadata service, no
// port that this machine forwards and, as the bridge has no IPv6, nothing by IPv6. The
// daemon is refused when it reports another network than that: there is no fallback to
// the network of the machine. The rules are written before the daemon starts and
// removed after it has ended.
//
// The daemon listens on a Unix socket of mode 0600 in a folder of mode 0700, which has
// its name only when the daemon was checked. Frontends from images, entitlements,
// devices and the telemetry socket in steps are off.
//
// No secret of the server ever reaches the daemon's environment, arguments or
// configuration. What a registry needs comes with each build.
package buildkitd
