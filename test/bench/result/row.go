package result

// Row is one thing that was measured: ours alone, or beside what does the same
// job elsewhere. Samples with the same index were taken one right after the
// other.
type Row struct {
	What   string    `json:"what"`
	Unit   string    `json:"unit"` // s, ms, MB or 1/s; 1 MB is 1,000,000 bytes
	Beside string    `json:"beside,omitempty"`
	Theirs []float64 `json:"theirs,omitempty"`
	Ours   []float64 `json:"ours"`
	Goal   *Goal     `json:"goal,omitempty"`
}

// Goal is what a row is to reach.
type Goal struct {
	Most  float64 `json:"most"`            // the largest median that meets it
	Value bool    `json:"value,omitempty"` // of ours, in the row's unit, rather than of the ratio
}

// Ratio is the goal of a ratio.
func Ratio(most float64) *Goal { return &Goal{Most: most} }

// Value is the goal of a figure of ours.
func Value(most float64) *Goal { return &Goal{Most: most, Value: true} }

// Met says whether the row reaches its goal; it must have one.
func (r Row) Met() bool {
	if r.Goal.Value {
		return Of(r.Ours).Median <= r.Goal.Most
	}
	return Of(Ratios(r.Theirs, r.Ours)).Median <= r.Goal.Most
}

// Curve is a figure at several lengths of the history.
type Curve struct {
	What   string  `json:"what"`
	Unit   string  `json:"unit"`
	Points []Point `json:"points"`
}

// Point is a curve's figure with that many builds on record.
type Point struct {
	Builds  int       `json:"builds"`
	Samples []float64 `json:"samples"`
}
