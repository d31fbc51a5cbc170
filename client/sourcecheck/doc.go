// Package sourcecheck recomputes the id of the commit that a manifest's git/ folder
// holds, from nothing but the bytes in it. It shares no code with the server,
// which wrote the folder: anyone who doubts the one has the other.
//
// The members of git/ are handed to a Folder one after the other, as they come
// out of the archive, in any order. Check then returns what they are, if all of
// this holds, for the repository and for each submodule within it:
//
//   - the one pack of the Git folder is whole, its objects are those that its
//     index names, and each has the id that is computed here (SHA-1 with
//     collision detection, as Git does it);
//   - the commit that HEAD names leads to all of these objects and to no other:
//     through its trees to every file, and through its parents up to where
//     the history was cut; and the tag that was built, if there is one, leads to
//     that commit, itself or through annotated tags in the pack;
//   - the files, links and folders besides .git are those of the commit's tree,
//     in name, mode and content, and there is no other; a file may be an object
//     of Git LFS, whose SHA-256 and size make the pointer that the tree has;
//   - the Git folder holds nothing that a clone does not need, and no setting
//     or hook which could make Git run a program or ignore changes.
//
// # What it trusts
//
// Nothing in the folder. It does not know whose commit it is: that the id is
// the one that was reviewed is for the caller to compare.
//
// # What never happens
//
// Nothing of the folder becomes a file: commits and trees are kept in one
// scratch file without structure, of everything else only its hash is. Nothing
// is executed, no link is followed. The number of files and objects, and the
// bytes of all of them together, are bounded by the limits that the server has.
package sourcecheck
