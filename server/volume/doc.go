// Package volume stores the server's data as plain files in one folder, the data
// volume: sealed secrets, one folder for each build, the state of the job, and
// scratch space.
//
//	lock                     held by the one server that uses the volume
//	job.json                 the state of the running or latest build
//	import                   the sealed journal of an import that is not finished yet
//	sealed/<name>            secrets, sealed by the enclave under their name
//	builds/<start time>/     record.json, build.log, public.pem, <manifest name>.sig.tbz
//	lookaside/<image>/       signatures of images whose registry stores none
//	work/                    scratch space, emptied at every start
//
// Users of the volume receive only the part they need: Secrets, Builds, Job or
// Lookaside.
//
// Records, keys, manifests and sealed files are written to a temporary file,
// synced and renamed, and their folder is synced: after a crash there is the old
// file or the new one.
//
// A build is removed by renaming its folder first. Corruption by the disk is
// detected: sealed files are authenticated, and records end with a checksum.
//
// The package trusts the file system to keep a synced rename, and trusts nobody
// with access to the disk: secrets are stored sealed, and a sealed file that does
// not open is an error that names it; it is never overwritten. The package never
// follows a symbolic link out of the volume, and never writes a secret in clear.
package volume
