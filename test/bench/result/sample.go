package result

import (
	"math"
	"slices"
)

// Spread is what is said of many samples: the one in the middle, and the ends.
type Spread struct {
	Median, Least, Most float64
}

// Of is the spread of samples, of which there must be one at least.
func Of(samples []float64) Spread {
	return Spread{Quantile(samples, 0.5), slices.Min(samples), slices.Max(samples)}
}

// Quantile is the sample that a share q (0 to 1) of the samples does not exceed,
// between two samples in proportion. samples stay as they are, and must not be
// empty.
func Quantile(samples []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(samples))
	place := q * float64(len(sorted)-1)
	below := int(math.Floor(place))
	above := min(below+1, len(sorted)-1)
	return sorted[below] + (place-float64(below))*(sorted[above]-sorted[below])
}

// Ratios are those of pairs that were measured in turn: ours by theirs, one for
// each pair. Both must have the same length.
func Ratios(theirs, ours []float64) []float64 {
	ratios := make([]float64, len(ours))
	for i := range ours {
		ratios[i] = ours[i] / theirs[i]
	}
	return ratios
}
