// Package transfer exports the state of a server as a state image and imports it on
// another, so that builds of a repository continue there with the same keys.
//
// Exported are the public parameters, the sealed names that are declared to travel
// (stateimage.Declarations), and the records and public keys of the latest builds
// that succeeded. Logs, manifests and the secrets among the parameters stay. Exports
// are numbered: the number, the generation, shows people which of two states is the
// later one, and decides nothing.
//
// An import is all or nothing, and the volume makes it one step. It is refused when
// this server has a key that the state lacks or has in another form, when the state
// has a name that this server does not know, and when the state belongs to another
// repository. Records of trust data are merged one by one, so that none of them goes
// back to an older version.
//
// The package trusts the keys of the enclave and the data volume; a state image is
// untrusted until package stateimage has authenticated it. No key is ever replaced by
// another or lost, no secret of the parameters leaves the server, and nothing is
// written before all checks passed.
package transfer
