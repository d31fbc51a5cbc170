// Package registry runs a real image registry, the distribution library, in
// this process on a loopback port, with one account that may push and one that
// may only pull, and makes a base image for builds.
//
// It speaks plain HTTP, which engines accept from 127.0.0.0/8 only. It trusts
// nobody without a password, keeps its blobs in the folder it is given, and
// never contacts another registry.
package registry
