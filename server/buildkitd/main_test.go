package buildkitd

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// probeEnv has the addresses that the test binary connects to when it is a command of
// a build, and listenEnv the one that it listens on in another network.
const (
	probeEnv  = "SBS_TEST_PROBE"
	listenEnv = "SBS_TEST_LISTEN"
)

// What a test starts has ended when the tests have.
func TestMain(m *testing.M) {
	switch {
	case os.Getenv(probeEnv) != "":
		for address := range strings.SplitSeq(os.Getenv(probeEnv), ",") {
			fmt.Println(probe(address))
		}
	case os.Getenv(listenEnv) != "":
		listen(os.Getenv(listenEnv))
	default:
		goleak.VerifyTestMain(m)
	}
}

// greeting is sent by every listener of the tests.
const greeting = "hello\n"

// probe connects to an address, and reports whether a listener of the tests is there.
func probe(address string) string {
	connection, err := net.DialTimeout("tcp", address, 2*time.Second)
	if err != nil {
		return "not reached " + address + ": " + err.Error()
	}
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return "not reached " + address + ": " + err.Error()
	}
	got := make([]byte, len(greeting))
	if _, err := connection.Read(got); err != nil || string(got) != greeting {
		return fmt.Sprintf("not reached %s: read %q, %v", address, got, err)
	}
	return "reached " + address
}

// listen greets each client, until this process is killed.
func listen(address string) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("listening")
	greet(listener)
}

// greet greets each client, until the listener is closed.
func greet(listener net.Listener) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		_, _ = connection.Write([]byte(greeting)) // who does not read it does not report it
		_ = connection.Close()
	}
}
