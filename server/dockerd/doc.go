// Package dockerd runs a Docker Engine of the server's own, if no other one is given:
// in the server's container image, where the server is alone. It starts the engine,
// waits until it replies, starts it again when it ends, and
// stops it with the server.
//
// It trusts the dockerd program it finds. It does not trust the data volume while
// no server runs: each start of a server begins without images, layers and cache.
// The engine listens on a Unix socket
// in a folder that only root may enter, and on nothing else.
//
// No secret of the server ever reaches the engine's environment or its
// arguments: it gets the few environment values that are named here, and what a
// registry needs comes with each request.
package dockerd
