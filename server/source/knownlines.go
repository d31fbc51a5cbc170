package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/ssh"
)

// checkLines parses known_hosts text line by line: the user needs the number of an
// invalid line, and not a path of this machine.
func checkLines(text []byte) error {
	number := 0
	for line := range bytes.Lines(text) {
		number++
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		if err := checkLine(line); err != nil {
			return fmt.Errorf("known hosts: line %d: %w; a line is: host keytype base64", number, err)
		}
	}
	return nil
}

func checkLine(line []byte) error {
	marker, _, _, _, _, err := ssh.ParseKnownHosts(append(bytes.Clone(line), '\n'))
	switch {
	case errors.Is(err, io.EOF): // the library passes over what it finds too short
		return errors.New("it has no host and key")
	case err != nil:
		return err
	case marker != "" && marker != "cert-authority" && marker != "revoked":
		return fmt.Errorf("the marker @%s is none of @cert-authority and @revoked", marker)
	}
	return nil
}
