// Package child runs a program so that nothing of it outlives the process
// that started it: the program leads a process group of its own, the group is
// killed as one, and the kernel kills the program when the starter dies.
//
// It trusts the program not to leave its process group. It never starts a
// shell, and never passes on its own environment unless told to.
package child
