// Package builder has the types that the pipeline and a builder of images exchange:
// what is to be built, which sources may be used, and what was built. The builders
// are packages of their own: server/buildkit drives the server's own BuildKit daemon,
// server/engine a Docker Engine.
//
// It trusts nobody and does nothing: it holds types and their documentation.
// Credentials pass through it as [api.Secret], which no formatting shows.
package builder
