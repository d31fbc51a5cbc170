package volume

import (
	"io"
	"io/fs"
)

// The views of the data volume. Secrets, Builds, Job and Lookaside are the files of a
// Volume; their users declare the methods that they need as interfaces of their own,
// so that another implementation can be injected. Build and the files in it pass from
// one user to another, and are interfaces here.

// Build is the folder of one build. Its id is the start time of the build, in UTC,
// which is also the end of the build's name.
type Build interface {
	// ID returns the build's id.
	ID() string

	// SaveRecord durably writes the record, a JSON object.
	SaveRecord(record []byte) error
	// Record returns the record that SaveRecord saved last. The error wraps
	// fs.ErrNotExist when the build has no record, and is a *DamagedError when the
	// file is not what was saved.
	Record() ([]byte, error)

	// CreateLog opens the build log for appending, and for reading at any offset.
	CreateLog() (LogFile, error)
	// Log opens the build log for reading.
	Log() (io.ReadCloser, error)

	// CreateManifest creates a manifest file. name is its file name, which ends in
	// .tbz or .sig.tbz.
	CreateManifest(name string) (AtomicFile, error)
	// Manifest opens a manifest file for reading.
	Manifest(name string) (io.ReadCloser, error)

	// SavePublicKey stores the key that verifies this build's manifest, so that it
	// can be served after the server's key has changed.
	SavePublicKey(pem []byte) error
	// PublicKey returns the key that SavePublicKey stored.
	PublicKey() ([]byte, error)

	// Contents returns the sizes of the files in the build's folder.
	Contents() (Contents, error)
	// Remove removes the build's folder and everything in it. It is atomic: after a
	// crash the build is either complete or gone.
	Remove() error
	// RemoveManifest removes the build's manifest, if it has one.
	RemoveManifest() error
	// RemoveOutputs removes the large files, the manifest and the log. The record
	// and the public key, which verifies a manifest fetched earlier, remain.
	RemoveOutputs() error
}

// LogFile is a build log while the build runs.
type LogFile interface {
	io.WriteCloser
	io.ReaderAt
	Stat() (fs.FileInfo, error)
	Sync() error
}

// AtomicFile is a file being written. Commit makes it visible under its name,
// complete and durable. Before Commit, and after Discard, the file under that name
// is unchanged.
type AtomicFile interface {
	io.Writer
	// Open returns a reader of everything written so far; the reader knows its size.
	Open() (*io.SectionReader, error)
	// Commit durably gives the file its final name, and closes it. When that fails, the
	// temporary file is removed.
	Commit() error
	// Discard closes and removes the temporary file.
	Discard() error
}

// Contents holds the sizes of the files in a build's folder.
type Contents struct {
	Space    int64 // bytes that its files occupy on the disk
	Large    int64 // bytes of Space that RemoveOutputs would free
	Manifest int64 // bytes of the signed manifest; 0 when there is none
}

// Stamp identifies one version of the record of a build without reading it: every
// change of the record changes the stamp.
type Stamp struct {
	Changed int64  // nanoseconds since 1970, or another value that never repeats
	Size    int64  // bytes
	File    uint64 // number of the file that holds it
}
