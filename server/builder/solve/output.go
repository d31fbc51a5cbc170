package solve

import (
	"fmt"
	"io"
)

// Output remembers the first error of To. It hides the error from the builder until the
// build is over, because only a build that is followed to its end is known to have left
// nothing.
type Output struct {
	To  io.Writer
	err error
}

func (o *Output) Write(p []byte) (int, error) {
	if o.err == nil {
		if _, err := o.To.Write(p); err != nil {
			o.err = fmt.Errorf("write the build's output: %w", err)
		}
	}
	return len(p), nil
}

// Err returns the first error of To. Call it after the build.
func (o *Output) Err() error { return o.err }
