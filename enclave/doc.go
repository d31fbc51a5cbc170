// Package enclave is what only the enclave can do: it holds the image secret
// and the OpenPGP key that reached it through its contract, seals and opens
// what lies on the data volume, and opens the server's TLS key.
//
// It trusts the memory of the machine it runs in, and nothing outside of it: a
// sealed text is authenticated before any of it is returned. No secret ever
// leaves it by a log, an error or a return value that was not asked for by
// name. It imports no other package of this module; only the server's main
// decides which enclave there is, and everyone else receives it through an
// interface of their own.
//
// The secrets of earlier server images may stand beside the present one. They
// open what those images sealed, and seal nothing.
//
// It also carries the machine's evidence out: the record of the Hyper Protect
// runtime, or a quote of TDX or SEV-SNP by configfs-tsm. It judges neither.
//
// A simulated enclave (Simulate) keeps its secrets in a folder in clear. It
// protects nothing and says "simulated" wherever evidence is shown.
package enclave
