package volume

import "fmt"

// Job is the view of the volume that stores the state of the running or latest
// build.
type Job struct{ volume *Volume }

// Job returns the state of the job of the volume.
func (v *Volume) Job() Job { return Job{v} }

// Save durably writes the state of the job.
func (j Job) Save(state []byte) error {
	return j.volume.writeFile(fileJob, state, 0o600)
}

// Load returns the state that Save saved last. The error wraps
// fs.ErrNotExist when none was saved.
func (j Job) Load() ([]byte, error) {
	state, err := j.volume.root.ReadFile(fileJob)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", fileJob, err)
	}
	return state, nil
}
