// Package diskspace reserves space on the data volume for a build.
//
// It decides how much each part of a build needs, removes the logs and manifests of
// older builds until that is free, and fails when too little can be freed. It is not
// part of server/history, because history knows only which builds may be removed; how
// much a build needs is a policy of its own, and is tested here without a build.
//
// It trusts the history to keep the latest success and the build that it names. A
// reservation is a check, not a quota: another process can still fill the volume, and
// every write can fail. The small files that a server needs always (keys, parameters,
// the status of a build) have their own share, see ForBuild. The package never removes
// a file itself.
package diskspace
