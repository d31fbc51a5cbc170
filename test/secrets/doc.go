//go:build stack

// Package secrets tests that the server leaks no secret. It plants a unique value in
// every secret parameter, reads the private keys that the server generated, lets
// builds succeed and fail in each step, and searches everything that is visible from
// outside: responses, logs, the data volume and temporary files during and after a
// build, the registry with the image, its signatures and attestations, the notary
// server's folder, and the arguments and environments of all processes of the machine.
//
// The parameters are taken from the api package by reflection, so a new secret is
// searched for without a change here.
//
// It contains tests only. It trusts the harness and the simulated enclave, whose
// folder is not searched: it is documented to keep its secrets unencrypted.
package secrets
