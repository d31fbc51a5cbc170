package loopback

// Ports for programs that need theirs before they start, in a configuration or on a
// command line.

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"
)

// The range of the ports, and the number of attempts. The range is below the
// ephemeral ports of Linux (net.ipv4.ip_local_port_range, ip(7)), so that the
// kernel never assigns one of them.
const firstPort, lastPort, portsTried = 10_000, 32_767, 100

// FreePort returns a random port of 127.0.0.1 on which no program listens. Only a
// program that binds this very port could use it before the caller does.
func FreePort(ctx context.Context) (string, error) {
	for range portsTried {
		port := strconv.Itoa(firstPort + rand.IntN(lastPort-firstPort+1))
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp4", net.JoinHostPort("127.0.0.1", port))
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err == nil {
			err = listener.Close()
		}
		if err != nil {
			return "", fmt.Errorf("find a free port: %w", err)
		}
		return port, nil
	}
	return "", fmt.Errorf("find a free port: all of %d that were tried are in use", portsTried)
}
