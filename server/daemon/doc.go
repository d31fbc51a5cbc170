// Package daemon supervises a daemon that builds images as a child process of the
// server: it starts the daemon, waits until it replies, restarts it when it ends, and
// stops it with the server. What is particular to one daemon, its arguments, its
// request and its cleanup, comes from the caller.
//
// It trusts the program that it is given. It does not trust the data volume while no
// server runs: each start of a server begins with a new folder, and the data of earlier
// starts are removed and never read.
//
// A daemon that is killed leaves the commands of its builds running. They are all in
// one cgroup, which is emptied before each start and after each stop.
package daemon
