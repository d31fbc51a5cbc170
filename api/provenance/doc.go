// Package provenance encodes and decodes the provenance of an image: a SLSA
// provenance predicate, v1 (https://slsa.dev/spec/v1.0/provenance), of this
// project's build type. The server writes it; sbs-cli and auditors read it.
// docs/provenance.md documents each of its members. Package signature/bundle
// provides the envelope and the signature.
//
// The package trusts nothing that it reads: Parse accepts only the members that
// this build type has, within bounds. It does not verify that the build happened as
// described; the signature and the evidence of the enclave prove that. It opens no
// files and no connections and never reads the clock: the same predicate gives the
// same bytes.
package provenance
