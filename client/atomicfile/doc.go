// Package atomicfile writes files that are either there whole or not at all,
// also after a crash: temporary file, sync, rename, and sync of the folder where the
// system has that.
//
// It trusts the folder it writes to, and never leaves a temporary file
// when it can still remove it.
package atomicfile
