// Package buildinfo knows which version of the product a program is.
package buildinfo

import "runtime/debug"

// Version returns the version that the linker set (go build -ldflags '-X
// main.version=v1.2.3'), or else that of the module, or else the commit that the
// program was built from.
func Version(linked string) string {
	if linked != "" {
		return linked
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return of(info)
}

func of(info *debug.BuildInfo) string {
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	revision, changed := "", ""
	for _, setting := range info.Settings {
		switch {
		case setting.Key == "vcs.revision":
			revision = setting.Value
		case setting.Key == "vcs.modified" && setting.Value == "true":
			changed = "-dirty"
		}
	}
	if revision == "" {
		return "development"
	}
	return revision + changed
}
