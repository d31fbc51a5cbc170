package gitstore

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// checkName returns why a name of a tree must not be written, or "" if it may. The
// rules are those of Git's verify_path with core.protectNTFS and core.protectHFS
// on, because an auditor may unpack the tree on any system; and a name must be
// UTF-8. A backslash is a part of a name, as for Git on Linux. On other systems it
// separates folders, so each part between backslashes is checked for the Git
// folder and for "..".
func checkName(name string) string {
	switch {
	case name == "":
		return "a name is empty"
	case name == "." || name == "..":
		return "a name means a folder itself or the one above"
	case strings.ContainsRune(name, '/'):
		return "a name holds a slash"
	case strings.ContainsRune(name, 0):
		return "a name holds a NUL"
	case !utf8.ValidString(name):
		return "a name is not UTF-8, which the manifest requires"
	case len(name) > 255:
		return "a name is longer than 255 bytes"
	}
	for part := range strings.SplitSeq(name, `\`) {
		switch {
		case isDotGit(part):
			return "a name means .git on some file system"
		case part == "..":
			return "a name means the folder above on some file system"
		}
	}
	return ""
}

// isDotGit reports whether a file system would take name for ".git": in any case,
// on NTFS with trailing dots and spaces, a stream suffix or as the short name
// git~1, on HFS+ with code points in it that it ignores.
func isDotGit(name string) bool {
	if name == "" {
		return false
	}
	if c := name[0]; c != '.' && c != 'g' && c != 'G' && c < utf8.RuneSelf {
		return false // at once: names are many
	}
	ntfs := onNTFS(name)
	return ntfs == ".git" || ntfs == "git~1" || strings.ToLower(withoutIgnored(name)) == ".git"
}

// onNTFS returns name in lower case, without what NTFS drops: a stream suffix,
// and dots and spaces at its end.
func onNTFS(name string) string {
	name, _, _ = strings.Cut(name, ":")
	return strings.ToLower(strings.TrimRight(name, ". "))
}

// modulesFile lists the submodules of a commit.
const modulesFile = ".gitmodules"

// shortModules are the short names that NTFS may have for ".gitmodules" (Git:
// path.c, is_ntfs_dot_generic).
var shortModules = regexp.MustCompile(`^(?:gitmod~[1-4]|(?:g(?:i(?:7(?:e(?:ba?)?)?)?)?)?~[1-9][0-9]*)$`)

// isDotGitModules reports whether a file system would take a part of a name for
// ".gitmodules". A link of this name is refused, as by Git: its target is not
// what was committed.
func isDotGitModules(name string) bool {
	for part := range strings.SplitSeq(name, `\`) {
		ntfs := onNTFS(part)
		if ntfs == modulesFile || len(ntfs) == 8 && shortModules.MatchString(ntfs) ||
			strings.ToLower(withoutIgnored(part)) == modulesFile {
			return true
		}
	}
	return false
}

// withoutIgnored drops the code points that HFS+ ignores in names (Git:
// utf8.c, next_hfs_char). Invalid UTF-8 is kept.
func withoutIgnored(name string) string {
	var kept strings.Builder
	for len(name) > 0 {
		r, size := utf8.DecodeRuneInString(name)
		switch {
		case r >= 0x200c && r <= 0x200f, r >= 0x202a && r <= 0x202e,
			r >= 0x206a && r <= 0x206f, r == 0xfeff:
		default:
			kept.WriteString(name[:size])
		}
		name = name[size:]
	}
	return kept.String()
}

// CheckModuleName returns why the name of a submodule cannot be a path below
// .git/modules; "" means it can.
func CheckModuleName(name string) string {
	if len(name) > 1024 {
		return "the submodule's name is longer than 1024 bytes"
	}
	for _, c := range []byte(name) {
		if c < ' ' || c == 0x7f {
			return "the submodule's name holds a control character"
		}
	}
	for part := range strings.SplitSeq(name, "/") {
		if reason := checkName(part); reason != "" {
			return "in the submodule's name " + reason
		}
	}
	return ""
}
