// Package registry runs a real image registry, the distribution library, in this
// process on a loopback port, with one account that may push and one that may only
// pull, and makes a base image for builds.
//
// It uses plain HTTP, which engines accept from 127.0.0.0/8 only. Every request
// needs a password. It stores its blobs in the folder that it gets, and never
// contacts another registry.
package registry
