package dockerfile

// ONBUILD triggers of base images, read in a process that may die: they are texts
// from outside as a Dockerfile is.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// TriggersTask is the task of the confined process, which calls RunTriggers.
const TriggersTask = "read-triggers"

// Limits of the triggers of one image. A builder runs each of them.
const (
	maxTriggers     = 1000
	maxTriggersText = 1 << 20 // bytes of all of them
	maxTriggersRead = 8 << 20 // bytes of what they hold, as JSON
)

// TriggerImages holds the images of one trigger.
type TriggerImages struct {
	Names   []string // of images; a name that might be that of a stage counts
	Problem string   // why it is refused; empty: it is not
}

// Triggers reads the ONBUILD triggers of an image, and returns what each holds in
// their order.
func (c Checker) Triggers(ctx context.Context, triggers []string) ([]TriggerImages, error) {
	if len(triggers) == 0 {
		return nil, nil
	}
	size := 0
	for _, trigger := range triggers {
		size += len(trigger)
	}
	if len(triggers) > maxTriggers || size > maxTriggersText {
		return nil, fmt.Errorf("it has %d ONBUILD triggers of %d bytes: at most %d of %d are read", len(triggers), size, maxTriggers, maxTriggersText)
	}
	var found []TriggerImages
	if err := c.run(ctx, TriggersTask, triggers, maxTriggersRead, &found); err != nil {
		return nil, err
	}
	if len(found) != len(triggers) {
		return nil, errors.New("the process that reads ONBUILD triggers did not read all of them")
	}
	return found, nil
}

// RunTriggers is the task: it reads triggers and writes what they hold.
func RunTriggers(input io.Reader, output io.Writer) error {
	var triggers []string
	if err := json.NewDecoder(io.LimitReader(input, maxRequest)).Decode(&triggers); err != nil {
		return fmt.Errorf("read the triggers: %w", err)
	}
	found := make([]TriggerImages, len(triggers))
	for i, text := range triggers {
		names, err := trigger(text)
		found[i] = TriggerImages{Names: names, Problem: problem(err)}
	}
	return json.NewEncoder(output).Encode(found)
}
