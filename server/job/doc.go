// Package job is the one owner of what runs and how far it got. A Slot holds at
// most one running build; everyone else sees immutable snapshots of its Record.
//
// Every move is made durable first and visible second, so that after a crash
// the next start knows which step was the last one done, and nobody was shown
// more than that. It trusts its Store to keep what it accepted. It never runs
// two builds in one slot, and never loses the end of a build: a build whose
// process died is reported as interrupted at the next start.
package job
