// Package gitstore turns a pack that an untrusted Git server sent into a work tree
// and a Git folder whose bytes depend on the commit alone.
//
// It is the part of a clone that reads, stores and writes Git objects: [Receive]
// reads a pack into a [Store], [Store.Peel] and [ClosureOf] select the objects of a
// commit, [Checkout] writes its files, [WritePack] and [GitFolder] write its .git.
// Package source finds servers, authenticates to them and hands over the pack.
//
// # What it trusts
//
// Nothing in a pack. An object is named by the hash computed here, SHA-1 with
// collision detection (go-git's sha1cd): an object that was made to collide gets
// another name and is then missing. The folders that the caller opens, as [os.Root],
// are trusted to be the caller's own: no other process writes to them.
//
// # What never happens in it
//
//   - There is no network, no credential, no environment and no other process.
//   - Nothing is written outside of the folders of the caller, nor through a symbolic
//     link. A link of the tree becomes a link of the same text and is never followed.
//   - No file is overwritten. A name that some file system takes for .git, or that is
//     not UTF-8, is a [TreeError].
//   - Nothing in a repository is obeyed: no hooks, filters, attributes or config.
//
// # What it writes
//
// The pack goes into signed manifests, so its bytes never change: whole objects
// (no deltas) in the order of their ids, in zlib streams of stored blocks; see
// TestPackGolden. The index has no stat data, as `git read-tree` leaves it.
//
// # Bounds
//
// Content passes through in pieces, whatever its size; a few hundred bytes are held
// per object and per file. [Limits] bounds the objects, the bytes received, the files
// and the bytes checked out, for all repositories of a clone together; [MaxObjects],
// [MaxBytes] and [MaxEntries] are the values in use. More is a [LimitError]. Single
// things are bounded too: 32 MiB of a commit, tag or tree, 200 folders within
// folders, 4096 bytes of a path, 10 tags of tags. Every loop over objects or content
// ends with the context.
package gitstore
