// Some programs have to be told their port before they start: it stands in
// certificates, configurations or containers.
package loopback

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"
)

// Ports that are given out here, and how many are tried. They lie below those
// that Linux gives out by itself (net.ipv4.ip_local_port_range, ip(7)): no
// connection and no listener gets one by chance.
const firstPort, lastPort, portsTried = 10_000, 32_767, 100

// FreePort draws a port of 127.0.0.1 that nobody listens on. Only a program that
// asks for that very port could take it before it is used.
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
	return "", fmt.Errorf("find a free port: all of %d that were tried are taken", portsTried)
}
