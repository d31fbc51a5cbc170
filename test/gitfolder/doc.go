// Package gitfolder makes the git/ folder of a manifest by hand, for tests:
// sound, or wrong in any way that a test asks for. It writes with go-git what
// the server writes with code of its own.
package gitfolder
