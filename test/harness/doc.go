// Package harness runs the local stack: a secure build server and its
// dependencies, real programs and libraries on free loopback ports, with all files
// in one folder.
//
// Start starts an image registry, a notary server, a vendor of signed base images,
// a git server for SSH and HTTPS, an object store that requires IAM tokens, and the
// server with a simulated enclave. The client makes the certificates and the
// server's environment with the commands that a user runs. The build engine is the
// machine's Docker Engine.
//
// The harness trusts the machine it runs on. Its secrets are generated for one run
// and worthless after it. It connects to nothing but loopback and the engine's
// socket, and nothing that it started outlives Close.
package harness
