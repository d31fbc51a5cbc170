// Package config reads and rewrites sbs-config.json: where the server is, which
// certificates to use, and the parameters of the build.
//
// The file is its owner's. Keys are read without regard to case; their order,
// and keys that nobody here knows, survive a rewrite; the old file is kept
// next to the new one. It trusts the owner of the file and of the environment,
// checks parameters with package api before anything is sent, and never prints
// or sends anything itself.
package config
