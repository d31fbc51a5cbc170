// Package parameters is the one owner of the parameters that builds run with. A Store
// restores them from the data volume, replaces them when a request proves the
// SECRET, and imports them with a state image; everyone else receives copies.
//
// Parameters are sealed in their wire form under "parameters". Those that were
// imported with a state image lack the passwords; they are sealed under
// "imported-parameters", and count until the first init or update. Neither of the
// two is exported as it is sealed: package transfer exports the public part.
//
// A change is made durable first and visible second. While a build runs or a state
// is exported or imported, the parameters do not change.
//
// The package trusts what the enclave unseals, and treats the parameters of a
// request as untrusted: Check verifies them before anything is stored, and secrets
// are compared in constant time. It never logs, never writes a parameter in clear,
// never puts a secret in an error, and never overwrites sealed parameters that it
// can't read.
package parameters
