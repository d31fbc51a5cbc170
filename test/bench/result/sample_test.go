package result

import (
	"slices"
	"testing"
)

func TestQuantile(t *testing.T) {
	for _, c := range []struct {
		name    string
		samples []float64
		q, want float64
	}{
		{"one sample", []float64{7}, 0.99, 7},
		{"middle of three, out of order", []float64{9, 1, 4}, 0.5, 4},
		{"between two", []float64{2, 1}, 0.5, 1.5},
		{"least", []float64{3, 2}, 0, 2},
		{"most", []float64{3, 2}, 1, 3},
		{"interpolated", []float64{0, 10, 20, 30, 40}, 0.875, 35},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := slices.Clone(c.samples)
			if got := Quantile(c.samples, c.q); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
			if !slices.Equal(before, c.samples) {
				t.Errorf("the samples became %v", c.samples)
			}
		})
	}
}

// The result is the median of the ratios of pairs, not the ratio of the medians.
func TestRatiosOfPairs(t *testing.T) {
	row := Row{Theirs: []float64{1, 10, 2}, Ours: []float64{2, 5, 1}, Goal: Ratio(0.5)}
	ratios := Ratios(row.Theirs, row.Ours)
	if !slices.Equal(ratios, []float64{2, 0.5, 0.5}) {
		t.Errorf("got %v", ratios)
	}
	if s := Of(ratios); s != (Spread{0.5, 0.5, 2}) {
		t.Errorf("got %+v", s)
	}
}

func TestMet(t *testing.T) {
	for _, c := range []struct {
		name string
		row  Row
		want bool
	}{
		{"ratio at the goal", Row{Theirs: []float64{2}, Ours: []float64{1}, Goal: Ratio(0.5)}, true},
		{"ratio above it", Row{Theirs: []float64{2}, Ours: []float64{1.01}, Goal: Ratio(0.5)}, false},
		{"value at the goal", Row{Ours: []float64{39, 40, 60}, Goal: Value(40)}, true},
		{"value above it", Row{Ours: []float64{39, 41, 60}, Goal: Value(40)}, false},
		{"value, compared with a larger one", Row{Theirs: []float64{100}, Ours: []float64{41}, Goal: Value(40)}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.row.Met(); got != c.want {
				t.Errorf("met: %v, want %v", got, c.want)
			}
		})
	}
}
