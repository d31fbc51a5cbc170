// Package history knows which builds there were: it lists them, finds the
// latest success, and removes the oldest when there are too many or when they
// take too much space.
//
// The folders of the volume are the truth. What this package keeps in memory is
// a copy of a few values of each record, and before one is shown, the mark of
// its file is compared: whatever changes a record (a build, an import, an operator
// with a backup) is seen without anybody telling it. Reading 10,000 records takes
// about a second, comparing their marks some hundredths of one.
//
// A start reads none of it: a record is read when it is first listed, and the size
// of each build is looked at when room is first made. From then on Trim, which runs
// several times in each build, reads the names of the folders and remembers their
// sizes; the latest success, and each build before it goes, are looked at anew. So
// what someone changes behind its back can make it remove too little or too much
// for the sake of space, until that build is looked at again, but never a build
// that has to stay.
//
// A database, or an index in a file, would have to be kept in step over crashes;
// this copy is made anew by every server, at half a kilobyte for each build listed.
//
// It trusts the volume. It never removes the latest success, the running or
// latest build, or a record that it can't read, which someone may still mend.
package history
