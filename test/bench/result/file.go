package result

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Results are the results of one machine.
type Results struct {
	Machine Machine `json:"machine"`
	Parts   []Part  `json:"parts"`
}

// Machine describes the machine on which the figures were measured.
type Machine struct {
	CPU    string  `json:"cpu"`
	Cores  int     `json:"cores"`
	Memory float64 `json:"memory_gb"` // of 1,000,000,000 bytes
	Kernel string  `json:"kernel"`
	Engine string  `json:"engine"`
	Docker string  `json:"docker"` // the docker command of the jobs by hand
	Go     string  `json:"go"`
}

// Part is the result of one part of the benchmarks.
type Part struct {
	Name   string  `json:"name"`
	Date   string  `json:"date"`    // of its end, UTC, YYYY-MM-DD
	Commit string  `json:"commit"`  // of the code that was measured
	Took   float64 `json:"seconds"` // duration of the measurement
	Rows   []Row   `json:"rows,omitempty"`
	Curves []Curve `json:"curves,omitempty"`
}

// ErrOtherMachine means that a file has the results of another machine.
var ErrOtherMachine = errors.New("these are the results of another machine")

// Load reads results from a file. A file that does not exist has none.
func Load(path string) (Results, error) {
	var results Results
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return results, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &results)
	}
	if err != nil {
		return Results{}, fmt.Errorf("read the results %s: %w", path, err)
	}
	return results, nil
}

// Save writes results as JSON.
func (r Results) Save(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err == nil {
		err = os.WriteFile(path, append(text, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("write the results %s: %w", path, err)
	}
	return nil
}

// Merge returns the parts of fresh, and of r those that fresh has not, in the order of
// names. Parts of r are accepted only from the same machine.
func (r Results) Merge(fresh Results, names []string) (Results, error) {
	merged := Results{Machine: fresh.Machine}
	for _, name := range names {
		part, found := fresh.find(name)
		if !found {
			if part, found = r.find(name); found && r.Machine != fresh.Machine {
				return Results{}, fmt.Errorf("%w: %+v, and this is %+v: measure all parts", ErrOtherMachine, r.Machine, fresh.Machine)
			}
		}
		if found {
			merged.Parts = append(merged.Parts, part)
		}
	}
	return merged, nil
}

func (r Results) find(name string) (Part, bool) {
	for _, part := range r.Parts {
		if part.Name == name {
			return part, true
		}
	}
	return Part{}, false
}
