// Package objectstore stands in for IBM Cloud Object Storage: the S3 protocol
// (gofakes3, objects in memory) behind the bearer tokens of an IAM endpoint,
// both over TLS on loopback.
//
// It lets in only tokens that it issued itself, for its one API key and its
// one instance, and only until they expire. It never writes an object, a key
// or a token to disk.
package objectstore
