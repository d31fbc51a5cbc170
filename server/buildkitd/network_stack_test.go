//go:build stack

package buildkitd

// What a command of a build reaches. Another machine is a network namespace.

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/opensbs/sbs/server/daemon"
)

const (
	otherMachine  = "10.87.249.2"
	otherMetadata = "169.254.170.2" // a metadata service on another machine
	ownMetadata   = "169.254.169.254"
	otherPort     = "4711"
	forwardedPort = "4712" // of this machine, to the other one
)

// run runs a command, and is a failure of the test if that fails.
func run(t *testing.T, command string, arguments ...string) {
	t.Helper()
	if output, err := exec.Command(command, arguments...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v: %s", command, strings.Join(arguments, " "), err, output)
	}
}

// undone runs a command, and another one after the test.
func undone(t *testing.T, do, undo string) {
	t.Helper()
	fields := strings.Fields(do)
	run(t, fields[0], fields[1:]...)
	t.Cleanup(func() {
		fields := strings.Fields(undo)
		if output, err := exec.Command(fields[0], fields[1:]...).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", undo, err, output)
		}
	})
}

// anotherMachine makes one, with a listener and a metadata service.
func anotherMachine(t *testing.T) {
	t.Helper()
	undone(t, "ip netns add sbs-other", "ip netns del sbs-other")
	for _, command := range []string{
		"ip link add sbs-veth type veth peer name eth0 netns sbs-other",
		"ip addr add 10.87.249.1/24 dev sbs-veth",
		"ip link set sbs-veth up",
		"ip -n sbs-other addr add " + otherMachine + "/24 dev eth0",
		"ip -n sbs-other addr add " + otherMetadata + "/32 dev eth0",
		"ip -n sbs-other link set eth0 up",
		"ip -n sbs-other route add default via 10.87.249.1",
		"ip route add " + otherMetadata + " dev sbs-veth", // goes with the interface
	} {
		fields := strings.Fields(command)
		run(t, fields[0], fields[1:]...)
	}
	listener := exec.Command("ip", "netns", "exec", "sbs-other", "/proc/self/exe")
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	listener.Args[4] = executable
	listener.Env = append(os.Environ(), listenEnv+"=:"+otherPort)
	output, err := listener.StdoutPipe()
	if err == nil {
		err = listener.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = listener.Process.Kill()
		_ = listener.Wait() // killed
	})
	if line, err := bufio.NewReader(output).ReadString('\n'); line != "listening\n" {
		t.Fatalf("the other machine: %q, %v", line, err)
	}
	for _, chain := range []string{"PREROUTING", "OUTPUT"} {
		rule := chain + " -p tcp --dport " + forwardedPort + " -m addrtype --dst-type LOCAL -j DNAT --to-destination " + otherMachine + ":" + otherPort
		undone(t, "iptables --wait 10 -t nat -I "+rule, "iptables --wait 10 -t nat -D "+rule)
	}
}

// ownAddresses returns the addresses of this machine that a program can connect to
// without the name of an interface, with a port.
func ownAddresses(t *testing.T, port int) (addresses []string) {
	t.Helper()
	interfaces, err := machineInterfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range interfaces {
		for _, network := range one.networks {
			if !network.Addr().Is6() || !network.Addr().IsLinkLocalUnicast() {
				addresses = append(addresses, net.JoinHostPort(network.Addr().String(), strconv.Itoa(port)))
			}
		}
	}
	return addresses
}

// stepReaches returns which of some addresses a command of a build reaches.
func stepReaches(ctx context.Context, t *testing.T, d *Daemon, addresses []string) (reached []string) {
	t.Helper()
	printed, err := build(ctx, t, d.Host(), "FROM scratch\nCOPY probe /probe\nENV "+probeEnv+"="+strings.Join(addresses, ",")+"\nRUN [\"/probe\"]\n")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(printed), "\n")
	if len(lines) != len(addresses) {
		t.Fatalf("the step printed %q for %q", printed, addresses)
	}
	for _, line := range lines {
		if address, found := strings.CutPrefix(line, "reached "); found {
			reached = append(reached, address)
		}
	}
	return reached
}

func TestStepsReachOtherMachinesButNotThisOne(t *testing.T) {
	anotherMachine(t)
	undone(t, "ip addr add "+ownMetadata+"/32 dev lo", "ip addr del "+ownMetadata+"/32 dev lo")
	listener, err := net.Listen("tcp", ":0") // as the server listens: on all addresses
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() { defer close(served); greet(listener) }()
	t.Cleanup(func() { _ = listener.Close(); <-served })
	d := start(t, configure(t))

	port := listener.Addr().(*net.TCPAddr).Port
	gateway := net.JoinHostPort(d.config.Subnet.Addr().Next().String(), strconv.Itoa(port))
	own := ownAddresses(t, port)
	for _, want := range []string{gateway, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), net.JoinHostPort(ownMetadata, strconv.Itoa(port))} {
		if !slices.Contains(own, want) {
			t.Fatalf("this machine has the addresses %q, want %s too", own, want)
		}
	}
	other := net.JoinHostPort(otherMachine, otherPort)
	forbidden := append(slices.Clone(own), net.JoinHostPort(otherMetadata, otherPort), net.JoinHostPort("10.87.249.1", forwardedPort))
	for _, address := range append([]string{other}, forbidden...) { // so that what is not reached could be
		if got := probe(address); got != "reached "+address {
			t.Errorf("from this machine: %s", got)
		}
	}
	linkLocal := net.JoinHostPort("fe80::87%eth1", strconv.Itoa(port))
	if reached := stepReaches(t.Context(), t, d, append([]string{other, linkLocal}, forbidden...)); !slices.Equal(reached, []string{other}) {
		t.Errorf("a step reaches %q, want the other machine only", reached)
	}

	// Without the rules and with IPv6 the same step reaches this machine.
	if err := d.config.lower(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := d.config.raised(t.Context()); err == nil {
		t.Error("the check of the rules does not miss them")
	}
	if err := os.WriteFile("/proc/sys/net/ipv6/conf/"+d.config.Bridge+"/disable_ipv6", []byte("0"), 0); err != nil {
		t.Fatal(err)
	}
	if err := d.config.checkBridge(); err == nil {
		t.Error("the check of the bridge does not see IPv6")
	}
	run(t, "ip", "addr", "add", "fe80::87/64", "dev", d.config.Bridge, "nodad")
	open := []string{linkLocal}
	for _, address := range own {
		if parsed := netip.MustParseAddrPort(address).Addr(); parsed.Is4() && !parsed.IsLoopback() {
			open = append(open, address)
		}
	}
	if reached := stepReaches(t.Context(), t, d, open); !slices.Equal(reached, open) {
		t.Errorf("without the rules a step reaches %q, want %q", reached, open)
	}
}

// TestRemovedRulesAreNoticed removes what iptables -F removes of this daemon's rules.
func TestRemovedRulesAreNoticed(t *testing.T) {
	config := configure(t)
	d := start(t, config)
	if err := d.CheckNetwork(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := config.jumps()[0]
	if err := first.do(t.Context(), "-D"); err != nil {
		t.Fatal(err)
	}
	if err := d.CheckNetwork(t.Context()); err == nil || !strings.Contains(err.Error(), "restart the server") {
		t.Errorf("without a rule: %v", err)
	}
}

func TestNoStartWithoutPlugins(t *testing.T) {
	config := configure(t)
	config.Plugins = t.TempDir()
	_, err := Start(t.Context(), config)
	if err == nil || !strings.Contains(err.Error(), "Debian's package containernetworking-plugins") {
		t.Errorf("Start: %v, want the package that is missing", err)
	}
	nothingLeft(t, config)
}

func TestNoStartInAnotherNetwork(t *testing.T) {
	undone(t, "ip addr add 10.87.248.77/32 dev lo", "ip addr del 10.87.248.77/32 dev lo")
	config := configure(t)
	_, err := Start(t.Context(), config)
	if err == nil || !strings.Contains(err.Error(), "overlaps with the network 10.87.248.77/32 of lo") {
		t.Errorf("Start: %v, want the network that is in the way", err)
	}
	nothingLeft(t, config)
}

// A daemon that would run commands in the network of this machine is not used.
func TestNoStartInTheNetworkOfTheMachine(t *testing.T) {
	config := configure(t)
	script := "#!/bin/sh\nexec " + config.Program + " \"$@\" --oci-worker-net=host\n"
	config.Program = filepath.Join(t.TempDir(), "buildkitd")
	if err := os.WriteFile(config.Program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), config)
	if !errors.Is(err, daemon.ErrUnusable) || !strings.Contains(err.Error(), `in its network "host"`) {
		t.Errorf("Start: %v, want the network that the daemon reports", err)
	}
	nothingLeft(t, config)
}
