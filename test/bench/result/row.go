package result

// Row is a measurement of ours, alone or compared with another program that does the
// same job. Samples with the same index were measured one immediately after the other.
type Row struct {
	What         string    `json:"what"`
	Unit         string    `json:"unit"` // s, ms, MB or 1/s; 1 MB is 1,000,000 bytes
	ComparedWith string    `json:"compared_with,omitempty"`
	Theirs       []float64 `json:"theirs,omitempty"`
	Ours         []float64 `json:"ours"`
	Goal         *Goal     `json:"goal,omitempty"`
}

// Goal is the goal of a row.
type Goal struct {
	Most  float64 `json:"most"`            // the largest median that meets it
	Value bool    `json:"value,omitempty"` // of ours, in the row's unit, rather than of the ratio
}

// Ratio returns a goal for the ratio of ours to theirs.
func Ratio(most float64) *Goal { return &Goal{Most: most} }

// Value returns a goal for the value of ours.
func Value(most float64) *Goal { return &Goal{Most: most, Value: true} }

// Met reports whether the row reaches its goal. It must have one.
func (r Row) Met() bool {
	if r.Goal.Value {
		return Of(r.Ours).Median <= r.Goal.Most
	}
	return Of(Ratios(r.Theirs, r.Ours)).Median <= r.Goal.Most
}

// Curve is a measurement with different numbers of builds on record.
type Curve struct {
	What   string  `json:"what"`
	Unit   string  `json:"unit"`
	Points []Point `json:"points"`
}

// Point is the measurement with that number of builds on record.
type Point struct {
	Builds  int       `json:"builds"`
	Samples []float64 `json:"samples"`
}
