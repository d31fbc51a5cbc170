// Package harness is the local stack: a secure build server with everything it
// talks to, real parts on loopback ports that the system chose, in one folder.
//
// Start brings up an image registry, a notary server, a vendor of signed base
// images, a git server over SSH and HTTPS, an object store behind IAM tokens and
// the server itself in its simulated enclave, with certificates and a
// configuration made by the client as a user would make them. The build engine
// is the machine's Docker Engine.
//
// The harness trusts the machine it runs on. Its secrets are made for one run
// and are worthless after it. It never contacts anything but loopback and the
// engine's socket, and nothing that it started outlives Close.
package harness
