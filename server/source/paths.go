package source

import (
	"strings"
	"unicode/utf8"
)

// checkName says why a name of a tree must not be written; "" means it may.
// The rules are those of Git's verify_path with core.protectNTFS and
// core.protectHFS on, because an auditor may unpack the tree on any system,
// and that a name is text.
func checkName(name string) string {
	switch {
	case name == "":
		return "a name is empty"
	case name == "." || name == "..":
		return "a name stands for a folder itself or the one above"
	case strings.ContainsRune(name, '/'):
		return "a name holds a slash"
	case strings.ContainsRune(name, '\\'):
		return "a name holds a backslash"
	case strings.ContainsRune(name, 0):
		return "a name holds a NUL"
	case !utf8.ValidString(name):
		return "a name is no UTF-8, which the manifest asks for"
	case len(name) > 255:
		return "a name is longer than 255 bytes"
	case isDotGit(name):
		return "a name means .git on some file system"
	}
	return ""
}

// isDotGit says whether a file system would take name for ".git": in any case,
// on NTFS with trailing dots and spaces, a stream suffix or as the short name
// git~1, on HFS+ with code points in it that it ignores.
func isDotGit(name string) bool {
	if c := name[0]; c != '.' && c != 'g' && c != 'G' && c < utf8.RuneSelf {
		return false // at once: names are many
	}
	ntfs, _, _ := strings.Cut(name, ":")
	ntfs = strings.ToLower(strings.TrimRight(ntfs, ". "))
	return ntfs == ".git" || ntfs == "git~1" || strings.ToLower(withoutIgnored(name)) == ".git"
}

// withoutIgnored drops the code points that HFS+ ignores in names (Git:
// utf8.c, next_hfs_char). Bytes that are no UTF-8 stay as they are.
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

// checkModuleName says why the name of a submodule cannot be a path below
// .git/modules; "" means it can.
func checkModuleName(name string) string {
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
