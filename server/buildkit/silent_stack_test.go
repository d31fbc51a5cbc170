//go:build stack

package buildkit

import (
	"net"
	"path/filepath"
	"testing"
)

// silent listens on a socket, and never replies.
func silent(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sock")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var open []net.Conn
	go func() {
		defer close(done)
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			open = append(open, connection)
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		<-done
		for _, connection := range open {
			connection.Close()
		}
	})
	return path
}
