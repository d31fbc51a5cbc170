// Package gitconfig parses the texts of a repository that Git itself obeys:
// .gitmodules and .lfsconfig, in the format of git-config(1), and .gitattributes.
//
// It is a pure codec: a text goes in, values come out. It exists because a reader
// that differs from Git's would clone another submodule, or count other files,
// than the git of a developer or an auditor does. Tests with the build tag stack
// compare it with git on generated texts.
//
// # What it trusts
//
// Nothing. Every text was written by anyone who can push to the repository. Any text
// gives values or an error, never a panic. What Git refuses is refused.
//
// # What never happens in it
//
//   - Nothing is opened, read from disk, sent or executed: include directives,
//     update commands, filters and macros are data.
//   - No regular expression that can backtrack is built from a pattern: matching
//     takes time linear in the path (package regexp).
//
// # Bounds
//
// The caller bounds the length of a text and the number of rules tried; memory and
// time grow linearly with the text.
package gitconfig
