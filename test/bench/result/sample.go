package result

import (
	"math"
	"slices"
)

// Spread is the median, the minimum and the maximum of samples.
type Spread struct {
	Median, Least, Most float64
}

// Of returns the spread of samples, which must not be empty.
func Of(samples []float64) Spread {
	return Spread{Quantile(samples, 0.5), slices.Min(samples), slices.Max(samples)}
}

// Quantile returns the q-quantile of samples (q from 0 to 1), interpolated linearly. It
// does not change samples, which must not be empty.
func Quantile(samples []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(samples))
	index := q * float64(len(sorted)-1)
	below := int(math.Floor(index))
	above := min(below+1, len(sorted)-1)
	return sorted[below] + (index-float64(below))*(sorted[above]-sorted[below])
}

// Ratios returns ours divided by theirs for each pair. Both must have the same length.
func Ratios(theirs, ours []float64) []float64 {
	ratios := make([]float64, len(ours))
	for i := range ours {
		ratios[i] = ours[i] / theirs[i]
	}
	return ratios
}
