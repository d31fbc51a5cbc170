package api

import (
	"maps"
	"slices"
)

// Clone returns a copy that shares no memory with p that can be changed.
func (p Parameters) Clone() Parameters {
	for _, f := range fields {
		switch value := f.at(&p).(type) {
		case *[]string:
			*value = slices.Clone(*value)
		case *Methods:
			*value = slices.Clone(*value)
		case *Attestations:
			*value = slices.Clone(*value)
		case *BasePolicy:
			*value = slices.Clone(*value)
		case *Credentials:
			*value = slices.Clone(*value)
		case *map[string]string:
			*value = maps.Clone(*value)
		}
	}
	return p
}
