//go:build stack

package crash

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// table counts the results by operation.
type table map[string]*row

// row has the number of instants of an operation, of those that found a fault, and of
// the phases and endings.
type row struct {
	instants, faults int
	phases, endings  map[string]int
}

func (r table) of(o operation) *row {
	if r[o.name] == nil {
		r[o.name] = &row{phases: map[string]int{}, endings: map[string]int{}}
	}
	return r[o.name]
}

func (r *row) add(phase, ending string) {
	r.phases[phase]++
	r.endings[ending]++
}

// count counts an instant, and a fault if the test failed.
func (r *row) count(failed bool) {
	r.instants++
	if failed {
		r.faults++
	}
}

func (r table) String() string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "operation\tinstants\tbefore\twithin\tafter\tfaults\thow it ended")
	sum := row{phases: map[string]int{}}
	for _, o := range operations {
		row := r.of(o)
		var endings []string
		for _, ending := range slices.Sorted(maps.Keys(row.endings)) {
			endings = append(endings, fmt.Sprintf("%d %s", row.endings[ending], ending))
		}
		row.print(w, o.name, strings.Join(endings, ", "))
		sum.instants += row.instants
		sum.faults += row.faults
		for phase, n := range row.phases {
			sum.phases[phase] += n
		}
	}
	sum.print(w, "all", "")
	_ = w.Flush() // to memory
	return text.String()
}

func (r *row) print(w *tabwriter.Writer, name, endings string) {
	fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%s\n", name, r.instants, r.phases["before"], r.phases["within"], r.phases["after"], r.faults, endings)
}
