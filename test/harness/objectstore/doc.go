// Package objectstore replaces IBM Cloud Object Storage in tests: the S3 protocol
// (gofakes3, objects in memory), which requires bearer tokens of an IAM endpoint,
// both with TLS on loopback.
//
// It accepts only tokens that it issued itself, for its one API key and its one
// instance, until they expire. It never writes an object, a key or a token to disk.
package objectstore
