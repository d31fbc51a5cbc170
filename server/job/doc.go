// Package job owns the state of the running or latest build. A Slot holds at most one
// running build; everyone else receives immutable snapshots of its Record.
//
// Every change is made durable first and visible second. After a crash the next start
// therefore knows the last finished step, and no client has seen more than that. The
// package trusts its Store to keep what it accepted. It never runs two builds in one
// slot, and never loses the end of a build: a build whose process died is reported as
// interrupted at the next start.
package job
