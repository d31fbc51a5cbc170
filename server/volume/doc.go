// Package volume is the data volume: sealed secrets, one folder for each build,
// the state of the job, and scratch space, as plain files.
//
//	lock                     held by the one server that uses the volume
//	job.json                 the state of the running or latest build
//	import                   a sealed import that is not finished yet
//	sealed/<name>            secrets, sealed by the enclave under their name
//	builds/<start time>/     record.json, build.log, public.pem, <manifest name>.sig.tbz
//	lookaside/<image>/       signatures of images whose registry keeps none
//	work/                    scratch space, emptied at every start
//
// A file that matters is written to a temporary file, synced and renamed, and
// its folder synced: after a crash there is the old file or the new one.
//
// A build is removed by giving its folder another name first. What must be told
// from a disk's mistake is authenticated (sealed files) or ends with a checksum
// (records).
//
// The package trusts the file system to keep a synced rename, and nobody with
// access to the disk: secrets lie on it sealed, and a sealed file that does not
// open is an error that names it, never overwritten. It never follows a
// symbolic link out of the volume, and never writes a secret in clear.
package volume
