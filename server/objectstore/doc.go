// Package objectstore puts objects into IBM Cloud Object Storage, or any other
// store that speaks the S3 protocol, and gets them out.
//
// What it does is decided by what it is given and by nothing else: it reads no
// environment value and no configuration file for credentials, profiles,
// regions or endpoints, as the SDK beneath it would. Buckets are named in the
// path, so that one certificate serves them all. A store is open for one
// operation: its IAM token is new at the start, and renewed when a long upload
// outlives it.
//
// It trusts the system's certificate authorities and those it is given. A
// server that answers 5xx, or a broken connection, is tried again with growing
// pauses; a refusal is not. API key, HMAC secret and token never appear in an
// error: of an answer it quotes the status and the S3 error code, no text.
package objectstore
