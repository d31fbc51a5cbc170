//go:build stack

// Package secrets looks for secrets wherever the server could have left them. It
// plants a value of its own in every parameter that is secret, asks for the keys
// that were born in the server, lets builds succeed and fail at each step, and
// searches what can be seen from outside: answers, logs, the data volume and the
// scratch space while a build runs and afterwards, the registry with the image,
// its signatures and attestations, the notary server's folder, and the arguments
// and environments of all processes of the machine.
//
// The parameters come out of the api package by reflection: a new secret is
// looked for without a change here.
//
// It holds tests only. It trusts the harness and the simulated enclave, whose
// own folder is not searched: it says that it keeps its secrets in clear.
package secrets
