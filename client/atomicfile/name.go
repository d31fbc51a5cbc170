package atomicfile

import (
	"runtime"
	"strings"
)

// Name returns the name of a file as this system takes it. Windows refuses some
// characters, such as the colon before the port of a registry: they become
// underscores there. On other systems the name stays as it is.
func Name(name string) string { return nameOn(runtime.GOOS, name) }

func nameOn(system, name string) string {
	if system != "windows" {
		return name
	}
	name = strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune(`<>:"/\|?*`, r) {
			return '_'
		}
		return r
	}, name)
	if end := strings.TrimRight(name, ". "); end != name {
		return end + strings.Repeat("_", len(name)-len(end))
	}
	return name
}
