package engine

// Builds of the classic builder report what they do as a stream of JSON messages,
// see "POST /build" in https://docs.docker.com/reference/api/engine/.

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/docker/docker/pkg/jsonmessage"

	"github.com/opensbs/sbs/server/builder/solve"
)

// maxMessage bounds one message, in bytes. The largest that an Engine sends
// carry a chunk of a step's output, some tens of kilobytes.
const maxMessage = 4 << 20

var errMessageTooLong = errors.New("a message of the Engine is longer than any Engine writes")

// readMessages calls each for every message of stream until it ends. The error
// is that of each, of the stream, or what the Engine itself reported.
func readMessages(stream io.Reader, each func(jsonmessage.JSONMessage) error) error {
	bounded := &allowance{from: stream}
	decoder := json.NewDecoder(bounded)
	for {
		bounded.left = maxMessage
		var message jsonmessage.JSONMessage
		switch err := decoder.Decode(&message); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read the Engine's answer: %w", err)
		}
		if message.Error != nil {
			return solve.Classify(message.Error)
		}
		if err := each(message); err != nil {
			return err
		}
	}
}

// allowance is a reader that gives out a limited number of bytes until the
// limit is renewed.
type allowance struct {
	from io.Reader
	left int
}

func (a *allowance) Read(p []byte) (int, error) {
	if a.left <= 0 {
		return 0, errMessageTooLong
	}
	n, err := a.from.Read(p[:min(len(p), a.left)])
	a.left -= n
	return n, err
}

// maxLayers bounds the stored data about layers; no image has more than 127.
const maxLayers = 1024

// statusLines writes the messages about layers as lines: one for each change of
// a layer's status, not one for each tick of its progress.
type statusLines struct {
	to   io.Writer
	last map[string]string // layer to status
}

func newStatusLines(to io.Writer) *statusLines {
	return &statusLines{to: to, last: make(map[string]string)}
}

func (s *statusLines) write(message jsonmessage.JSONMessage) error {
	if message.Status == "" {
		return nil
	}
	line := message.Status + "\n"
	if message.ID != "" {
		if s.last[message.ID] == message.Status {
			return nil
		}
		if len(s.last) >= maxLayers {
			clear(s.last)
		}
		s.last[message.ID] = message.Status
		line = message.ID + ": " + line
	}
	_, err := io.WriteString(s.to, line)
	return err
}
