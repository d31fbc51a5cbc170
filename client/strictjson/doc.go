// Package strictjson checks JSON files with requirements: trust files and attestation
// policies. An empty member is rejected, because its author expects it to require
// something.
//
// It trusts nothing and decodes nothing: encoding/json does that, and rejects names
// that it does not know.
package strictjson
