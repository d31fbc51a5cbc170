//go:build stack

package soak

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// table counts the results of builds, by fault.
type table map[string]map[string]int

func (r table) add(f fault, ending string) {
	if r[f.name] == nil {
		r[f.name] = map[string]int{}
	}
	r[f.name][ending]++
}

func (r table) String() string {
	return columns(func(w *tabwriter.Writer) {
		fmt.Fprintln(w, "fault\tbuilds\tfailed as expected\tsucceeded\twrong")
		sum := map[string]int{}
		for _, f := range append([]fault{noFault}, faults...) {
			row(w, f.name, r[f.name])
			for ending, n := range r[f.name] {
				sum[ending] += n
			}
		}
		row(w, "all", sum)
	})
}

func row(w *tabwriter.Writer, name string, endings map[string]int) {
	all := 0
	for _, n := range endings {
		all += n
	}
	fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\n", name, all, endings[failed], endings[succeeded], endings[wrong])
}

// comparison returns a table of the figures before and after.
func comparison(before, after figures) string {
	return columns(func(w *tabwriter.Writer) {
		fmt.Fprintln(w, "resource\tbefore\tafter")
		for _, kind := range kinds {
			fmt.Fprintf(w, "%s\t%d\t%d\n", kind.name, before[kind.name], after[kind.name])
		}
	})
}

// columns returns what write writes, with aligned columns.
func columns(write func(*tabwriter.Writer)) string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	write(w)
	_ = w.Flush() // to memory
	return text.String()
}
