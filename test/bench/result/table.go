package result

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// heading is the table's first line. A cell with several figures has the median and, in
// brackets, the minimum and the maximum.
var heading = []string{"measurement", "compared with", "theirs", "ours", "ratio", "goal", ""}

// Markdown writes the table of all rows, one table for each part.
func (r Results) Markdown(w io.Writer) error {
	var text strings.Builder
	for _, part := range r.Parts {
		fmt.Fprintf(&text, "### %s\n\nMeasured on %s, commit %s.\n\n", part.Name, part.Date, part.Commit)
		fmt.Fprintf(&text, "| %s |\n|%s\n", strings.Join(heading, " | "), strings.Repeat(" --- |", len(heading)))
		for _, row := range part.table() {
			fmt.Fprintf(&text, "| %s |\n", strings.Join(row, " | "))
		}
		text.WriteString("\n")
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// Plain writes the same table in aligned columns, for a terminal.
func (r Results) Plain(w io.Writer) error {
	rows := [][]string{heading}
	for _, part := range r.Parts {
		rows = append(rows, append([]string{strings.ToUpper(part.Name)}, slices.Repeat([]string{""}, len(heading)-1)...))
		rows = append(rows, part.table()...)
	}
	widths := make([]int, len(heading))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	var text strings.Builder
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			fmt.Fprintf(&line, "%-*s  ", widths[i], cell)
		}
		text.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// table returns the rows as cells, those of the curves last.
func (p Part) table() [][]string {
	var cells [][]string
	for _, row := range p.Rows {
		cells = append(cells, row.cells())
	}
	for _, curve := range p.Curves {
		for _, point := range curve.Points {
			row := Row{What: fmt.Sprintf("%s, %d builds on record", curve.What, point.Builds), Unit: curve.Unit, Ours: point.Samples}
			cells = append(cells, row.cells())
		}
	}
	return cells
}

func (r Row) cells() []string {
	cells := []string{r.What, r.ComparedWith, "", spread(r.Ours, r.Unit), "", "", ""}
	if len(r.Theirs) > 0 {
		cells[2], cells[4] = spread(r.Theirs, r.Unit), spread(Ratios(r.Theirs, r.Ours), "")
	}
	if r.Goal == nil {
		return cells
	}
	cells[5] = "≤ " + figure(r.Goal.Most)
	if r.Goal.Value {
		cells[5] += " " + r.Unit
	}
	cells[6] = "not met"
	if r.Met() {
		cells[6] = "met"
	}
	return cells
}

// spread returns "median unit (minimum–maximum)".
func spread(samples []float64, unit string) string {
	s := Of(samples)
	text := figure(s.Median)
	if unit != "" {
		text += " " + unit
	}
	if len(samples) > 1 {
		text += fmt.Sprintf(" (%s–%s)", figure(s.Least), figure(s.Most))
	}
	return text
}

// figure returns a number with about three significant digits.
func figure(value float64) string {
	size := math.Abs(value)
	switch {
	case size >= 100:
		return strconv.FormatFloat(value, 'f', 0, 64)
	case size >= 10:
		return strconv.FormatFloat(value, 'f', 1, 64)
	case size >= 1 || size == 0:
		return strconv.FormatFloat(value, 'f', 2, 64)
	}
	return strconv.FormatFloat(value, 'g', 3, 64)
}
