package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
)

// results has the members of test/bench/result.Results that are drawn.
type results struct {
	Machine struct {
		CPU    string  `json:"cpu"`
		Cores  int     `json:"cores"`
		Memory float64 `json:"memory_gb"`
		Kernel string  `json:"kernel"`
		Engine string  `json:"engine"`
		Go     string  `json:"go"`
	} `json:"machine"`
	Parts []part `json:"parts"`
}

type part struct {
	Date   string  `json:"date"`
	Rows   []row   `json:"rows"`
	Curves []curve `json:"curves"`
}

type row struct {
	What         string    `json:"what"`
	ComparedWith string    `json:"compared_with"`
	Theirs       []float64 `json:"theirs"`
	Ours         []float64 `json:"ours"`
	Goal         *struct {
		Most  float64 `json:"most"`
		Value bool    `json:"value"`
	} `json:"goal"`
}

type curve struct {
	What   string `json:"what"`
	Unit   string `json:"unit"`
	Points []struct {
		Builds  int       `json:"builds"`
		Samples []float64 `json:"samples"`
	} `json:"points"`
}

func load(path string) (results, error) {
	var r results
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		return r, fmt.Errorf("read the results %s (make bench writes them): %w", path, err)
	}
	return r, nil
}

// machine returns a description of the machine and the dates of the measurements.
func (r results) machine() string {
	var dates []string
	for _, part := range r.Parts {
		dates = append(dates, part.Date)
	}
	slices.Sort(dates)
	dates = slices.Compact(dates)
	day := ""
	if len(dates) > 0 {
		day = dates[0]
		if last := dates[len(dates)-1]; last != day {
			day += " to " + last
		}
	}
	m := r.Machine
	return fmt.Sprintf("%s, %d cores, %.1f GB; %s; Docker Engine %s; %s; %s", m.CPU, m.Cores, m.Memory, m.Kernel, m.Engine, m.Go, day)
}

// compared returns the rows that have a goal for their ratio.
func (r results) compared() (rows []row) {
	for _, part := range r.Parts {
		for _, row := range part.Rows {
			if row.Goal != nil && !row.Goal.Value && len(row.Theirs) == len(row.Ours) && len(row.Ours) > 0 {
				rows = append(rows, row)
			}
		}
	}
	return rows
}

// ratios returns the ratios of the row's pairs.
func (r row) ratios() []float64 {
	ratios := make([]float64, len(r.Ours))
	for i := range r.Ours {
		ratios[i] = r.Ours[i] / r.Theirs[i]
	}
	return ratios
}

// spread returns the median, the minimum and the maximum of samples, which must not be
// empty.
func spread(samples []float64) (median, least, most float64) {
	sorted := slices.Sorted(slices.Values(samples))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2, sorted[0], sorted[n-1]
}
