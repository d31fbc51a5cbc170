// Package record is the type and the codec of the build record: what a server
// knows of one build, and what it signs as data/build.json in the manifest.
//
// The codec is pure: it reads no file, checks no signature and trusts nothing. A
// record proves something only when the signature of the manifest around it was
// verified. No secret ever gets into a record: the server fills it with public
// parameters and redacted texts.
package record
