// Package provenance is the codec of what the server says about how an image
// was built: a SLSA provenance predicate, v1
// (https://slsa.dev/spec/v1.0/provenance), of this project's build type. The
// server writes it, sbs-cli and auditors read it; docs/provenance.md says what
// each of its members means. The envelope and the signature around it are
// package signature/bundle's.
//
// It trusts nothing it reads: Parse takes the members that this build type has
// and no other, within bounds. Whether the build happened like that is the
// signature's to prove, and the enclave's. It opens no files and no connections
// and never reads the clock: the same predicate gives the same bytes.
package provenance
