// Package source clones the Git repository that is to be built.
//
// It is for one caller, the step "github cloned" of the pipeline: a URL, a
// reference and credentials go in, a work tree with its .git folder comes out.
//
// # What it trusts
//
// Nothing that comes over the wire. The server is known by its SSH host key
// (the built-in keys of the great forges and those of the request) or by its
// TLS certificate, and even then objects are named by the hash that is computed
// here, so that the content of a commit is what its id commits to. The hash is
// SHA-1 with collision detection (go-git's sha1cd): an object that was made to
// collide gets another name and is then missing.
//
// # What the .git folder holds
//
// It goes into a signed manifest, so it depends on the URL, the reference, the
// depth and the commit alone, not on the server, the time or the machine:
//
//   - one pack of our own making: the commits within the depth, their trees and
//     blobs, sorted by object id, whole (no deltas), in stored zlib blocks; and
//     its index;
//   - an index without stat data, as `git read-tree` leaves it;
//   - HEAD, the branch (a tag or a commit id gives a detached HEAD), config,
//     and "shallow" where history was cut. No reflogs, hooks or remote branches;
//   - where the reference is a tag, that tag, and in the pack its object if it is
//     an annotated one, and those between it and the commit. Other tags are left out.
//
// An archive of it must keep empty folders: Git asks for refs/, even empty.
// A submodule's Git folder is in .git/modules/<name>, as Git lays it out.
//
// # What never happens in it
//
//   - No other program is run, and no option of the repository is obeyed but
//     "update = none" of a submodule: no hooks, filters, attributes (files
//     get the bytes of the commit; how many Git would have changed is reported),
//     submodule update commands.
//   - No ssh-agent, ~/.ssh, Git configuration or other part of the environment
//     is used (a proxy is one of the request's), and nothing global is changed: clones with
//     different keys and hosts run concurrently.
//   - Nothing comes from a server of Git LFS unless the request includes it, and then
//     only content whose SHA-256 and size a pointer of the commit has. The server
//     is the repository's own or another on its host.
//   - Credentials are written nowhere: not to .git/config, not to a file, not
//     into an error, and are not sent to another host than the URL's.
//   - Nothing is written through a symbolic link. A link of the tree becomes a
//     link of the same text, even when it points out of the tree, and is never
//     followed here; who reads the tree afterwards must not follow it either.
//
// # Bounds
//
// Content passes through in pieces, whatever its size; a few hundred bytes are
// held per object and per file. A clone, submodules included, may have
// [MaxEntries] files, folders and links, [MaxObjects] objects, [MaxSubmodules]
// submodules, and [MaxBytes] of content received and again of content checked
// out. More gives a [LimitError].
package source
