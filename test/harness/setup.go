package harness

// The certificates and the server's environment are made with the commands that a
// user runs, so that every start of a stack tests these commands.

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	enclaveName   = "enclave"
	publicKeyName = "server-image-public.asc"

	// commandLimit bounds each command of the setup.
	commandLimit = 30 * time.Second
)

// contractKeys are the environment variables of the server that a contract sets.
var contractKeys = [...]string{"CLIENT_CRT", "CLIENT_CA", "SERVER_CRT", "SERVER_KEY"}

// setup runs the programs under test in the stack's folder.
type setup struct {
	dir            folder
	server, client string // paths of the programs
}

// contract creates a simulated enclave and certificates and returns the environment
// that a contract sets for the server, as KEY=value.
func (s *setup) contract(ctx context.Context) ([]string, error) {
	enclave, err := s.dir.part(enclaveName)
	if err != nil {
		return nil, err
	}
	if _, err := s.run(ctx, s.server, "simulate-enclave", enclave); err != nil {
		return nil, err
	}
	for _, command := range []string{"create-client-cert", "create-server-cert"} {
		if _, err := s.run(ctx, s.client, command, "--env", configName); err != nil {
			return nil, err
		}
	}
	text, err := s.run(ctx, s.client, "instance-env", "--env", configName,
		"--server-public-key", filepath.Join(enclave, publicKeyName))
	if err != nil {
		return nil, err
	}
	return parseContract(text)
}

// run runs a command in the stack's folder and returns its standard output.
func (s *setup) run(ctx context.Context, program string, arguments ...string) ([]byte, error) {
	absolute, err := filepath.Abs(program)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", program, err)
	}
	ctx, cancel := context.WithTimeout(ctx, commandLimit)
	defer cancel()
	command := exec.CommandContext(ctx, absolute, arguments...)
	command.Dir = string(s.dir)
	command.WaitDelay = time.Second
	var output, messages bytes.Buffer
	command.Stdout, command.Stderr = &output, &messages
	if err := command.Run(); err != nil {
		line := filepath.Base(program) + " " + strings.Join(arguments, " ")
		return nil, fmt.Errorf("run %s: %w\n%s", line, err, bytes.TrimSpace(messages.Bytes()))
	}
	return output.Bytes(), nil
}

// parseContract parses the lines KEY: "value" of instance-env.
func parseContract(text []byte) ([]string, error) {
	values := make(map[string]string)
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		key, quoted, _ := strings.Cut(lines.Text(), ": ")
		if value, err := strconv.Unquote(quoted); err == nil {
			values[key] = value
		}
	}
	var environment []string
	for _, key := range contractKeys {
		if values[key] == "" {
			return nil, fmt.Errorf("instance-env printed no value for %s", key)
		}
		environment = append(environment, key+"="+values[key])
	}
	return environment, nil
}
