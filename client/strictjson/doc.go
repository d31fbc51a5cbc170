// Package strictjson checks files in JSON that say what must be checked: trust files
// and attestation policies. A member that says nothing is refused, because whoever
// wrote it expects something to be checked by it.
//
// It trusts nothing and decodes nothing: encoding/json does that, and refuses names
// that it does not know.
package strictjson
