// Package client is the client of a Secure Build Server over mutual TLS 1.3: one
// method for each route, replies as values of package api, large ones as streams.
//
// It trusts one CA, the one in certs.Identity, and nothing that the server sends:
// replies are bounded, names that become files are checked. Parameters and secrets
// never appear in its errors, which have a Code or a Fault for the program that shows
// them. Proxies are those of HTTPS_PROXY and NO_PROXY, as for the stock client; the
// TLS goes through them end to end.
//
// Below it:
//
//   - config reads and rewrites sbs-config.json, certs makes and checks certificates,
//     instanceenv makes the environment of the server's contract, contract the contract
//   - verify verifies an image, its build and its source; signedmanifest reads the
//     signed manifest, sourcecheck recomputes the commit in it
//   - attest verifies the evidence of what a server runs in
//   - advice joins an error with what to do next; atomicfile and strictjson read and
//     write files
package client
