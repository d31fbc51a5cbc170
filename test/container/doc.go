// Package container tests the server's container image as a Hyper Protect contract runs
// it: as the only container, privileged, with its own engine and one data volume. It uses
// the compose file of the local stack. It contains tests only, and trusts the machine's
// Docker Engine, on which they run.
package container
