package envname

import (
	"slices"
	"strings"
)

// Prefix is the beginning of all names of this product except those of a contract.
const Prefix = "SBS_"

// maxDistance is the largest number of letters by which a misspelled name may
// differ from a known one.
const maxDistance = 4

// Unknown is a name that begins with Prefix and that nothing reads.
type Unknown struct {
	Name    string
	Nearest string // the known name that it resembles; "" for none
}

// Find returns the unknown names in environ, as os.Environ returns it, sorted.
func Find(environ, known []string) []Unknown {
	var found []Unknown
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		// Windows has names in any case, and so have people.
		if !strings.HasPrefix(strings.ToUpper(name), Prefix) || slices.Contains(known, name) {
			continue
		}
		found = append(found, Unknown{name, nearest(strings.ToUpper(name), known)})
	}
	slices.SortFunc(found, func(a, b Unknown) int { return strings.Compare(a.Name, b.Name) })
	return slices.Compact(found)
}

func nearest(name string, known []string) (found string) {
	least := maxDistance + 1
	for _, candidate := range known {
		if d := distance(name, candidate); d < least {
			found, least = candidate, d
		}
	}
	return found
}

// distance is Levenshtein's: the least number of letters to insert, remove or
// replace.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
