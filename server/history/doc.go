// Package history lists the builds on a volume, finds the latest success, and
// removes the oldest builds when there are too many or when they occupy too much
// space.
//
// The folders of the volume are authoritative. In memory the package caches a few
// values of each record. Before it returns one, it compares the stamp of the
// record's file, so that every change of a record (by a build, an import, or an
// operator who restores a backup) is noticed. Reading 10,000 records takes about a
// second, comparing their stamps some hundredths of a second.
//
// Nothing is read at the start of the server: a record is read when it is first
// listed, and the size of each build is read when Trim first runs. After that,
// Trim, which runs several times in each build, reads only the names of the
// folders and uses the cached sizes; it reads again the latest success, and each
// build before it removes that build. A change made by someone else can therefore
// make Trim remove too little or too much for the limit on space, until that build
// is read again. It never makes Trim remove a build that must be kept.
//
// A database, or an index in a file, would have to be kept consistent over
// crashes. This cache is built by every server process, at half a kilobyte for
// each build listed.
//
// It trusts the volume. It never removes the latest success, the running or
// latest build, or a build whose record can't be read, which an operator may still
// restore.
package history
