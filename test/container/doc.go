// Package container tests the server's container image as a Hyper Protect
// contract runs it: alone and privileged, with an engine of its own and one data
// volume, in the compose file of the local stack. It tests on the machine's
// Docker Engine and trusts it.
package container
