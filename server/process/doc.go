// Package process starts child processes that end with this one, and confines
// those that may be taken over by what they read.
//
// Start runs any program so that nothing of it outlives the process that started
// it: the program leads a process group, the group is killed as one, and the
// kernel kills the program when its parent dies.
//
// A Sandbox runs this program again for a task that reads somebody else's data
// with large parsers: the files of an image, a Dockerfile. The task gets its
// input as an open file, writes its result to standard output, and has nothing
// else: no environment, no network, no file system but one folder or none, no
// other process to see or signal, no capabilities, a user id of its own where
// the server is root, a list of system calls that it may make, and limits of
// time, memory and file sizes. Main is the child's half: it applies all of that
// before the task runs, and ends the process where a required part is refused.
//
// Some kernels and containers refuse namespaces. NewSandbox finds out once, at
// the start of the server, and Missing returns what the tasks run without. What
// is required in any case is in docs/server.md.
//
// The package trusts the kernel and the program's own file. It trusts nothing
// that a confined task writes. It never starts a shell, never passes on its own
// environment unless asked to, and passes no open file to a confined task but its
// input, not even one that this process was started with.
package process
