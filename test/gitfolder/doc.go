// Package gitfolder builds the git/ folder of a manifest from single objects, for
// tests: a valid one, or one with the defect that a test needs.
//
// It writes objects, packs and indexes with go-git, and never with the server's own
// code, which the tests check against it.
package gitfolder
