package buildkitd

// The firewall between the commands of a build and this machine: chains of our own,
// named after the bridge, as iptables takes them.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"

	"github.com/opensbs/sbs/server/process"
)

// metadata are the addresses at which clouds give machines their credentials:
// link-local ones, Azure's, Alibaba's, Oracle's.
var metadata = []string{"169.254.0.0/16", "168.63.129.16/32", "100.100.100.200/32", "192.0.0.192/32"}

const refuse = "-j REJECT --reject-with icmp-port-unreachable"

// jump sends packets of a built-in chain into one of ours.
type jump struct{ table, from, match, chain string }

func (c Config) jumps() []jump {
	return []jump{
		{"filter", "INPUT", "-i " + c.Bridge, "SBS-" + c.Bridge + "-IN"},     // to this machine
		{"filter", "FORWARD", "-i " + c.Bridge, "SBS-" + c.Bridge + "-FROM"}, // to another one
		{"filter", "FORWARD", "-o " + c.Bridge, "SBS-" + c.Bridge + "-TO"},
		{"nat", "POSTROUTING", "-s " + c.Subnet.String() + " ! -o " + c.Bridge, "SBS-" + c.Bridge + "-NAT"},
	}
}

// rules returns the input of iptables-restore --noflush, which makes the chains or
// replaces them, all or none. A command reaches the name servers, on whatever address
// they are, and other machines, but not this one: neither by an address of it nor by
// a port that it forwards.
func (c Config) rules(servers []netip.Addr) string {
	in, from, to, nat := c.jumps()[0].chain, c.jumps()[1].chain, c.jumps()[2].chain, c.jumps()[3].chain
	var text strings.Builder
	rule := func(format string, values ...any) { fmt.Fprintf(&text, format+"\n", values...) }
	rule("*filter")
	for _, chain := range []string{in, from, to} {
		rule(":%s - [0:0]", chain)
	}
	for _, server := range servers {
		if !server.Is4() || server.IsLoopback() {
			continue
		}
		for _, chain := range []string{in, from} { // INPUT has it only when the server is on an own address
			for _, protocol := range []string{"udp", "tcp"} {
				rule("-A %s -d %s/32 -p %s -m %s --dport 53 -j ACCEPT", chain, server, protocol, protocol)
			}
		}
	}
	rule("-A %s %s", in, refuse)
	for _, network := range metadata {
		rule("-A %s -d %s %s", from, network, refuse)
	}
	rule("-A %s -m conntrack --ctstate DNAT %s", from, refuse)
	rule("-A %s -j ACCEPT", from)
	rule("-A %s -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", to)
	rule("-A %s -i %s -j ACCEPT", to, c.Bridge)
	rule("-A %s %s", to, refuse)
	rule("COMMIT\n*nat\n:%s - [0:0]\n-A %s -j MASQUERADE\nCOMMIT", nat, nat)
	return text.String()
}

// raise makes the rules, and puts them before all others.
func (c Config) raise(ctx context.Context, servers []netip.Addr) error {
	if err := iptables(ctx, c.rules(servers), "iptables-restore", "--wait", "10", "--noflush"); err != nil {
		return err
	}
	for _, j := range c.jumps() {
		if err := j.do(ctx, "-I"); err != nil {
			return err
		}
	}
	return nil
}

// raised returns an error if a rule that leads to ours is not there.
func (c Config) raised(ctx context.Context) error {
	for _, j := range c.jumps() {
		if err := j.do(ctx, "-C"); err != nil {
			return err
		}
	}
	return nil
}

// lower removes the rules, as far as they are there.
func (c Config) lower(ctx context.Context) error {
	var failed error
	for _, j := range c.jumps() {
		for j.do(ctx, "-C") == nil && ctx.Err() == nil { // also those of a start that was interrupted
			if err := j.do(ctx, "-D"); err != nil {
				failed = errors.Join(failed, err)
				break
			}
		}
		if iptables(ctx, "", "iptables", "--wait", "10", "-t", j.table, "-S", j.chain) != nil {
			continue // there is none
		}
		for _, what := range []string{"-F", "-X"} {
			failed = errors.Join(failed, iptables(ctx, "", "iptables", "--wait", "10", "-t", j.table, what, j.chain))
		}
	}
	return failed
}

// do adds the jump at the top (-I), deletes it (-D) or checks that it is there (-C).
func (j jump) do(ctx context.Context, what string) error {
	arguments := append([]string{"--wait", "10", "-t", j.table, what, j.from}, strings.Fields(j.match)...)
	return iptables(ctx, "", "iptables", append(arguments, "-j", j.chain)...)
}

// iptables runs one of the programs of that package, until ctx ends.
func iptables(ctx context.Context, input, program string, arguments ...string) error {
	path, err := exec.LookPath(program)
	if err != nil {
		return err
	}
	var output bytes.Buffer
	command := process.Command(path, arguments...)
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader(input), &output, &output
	running, err := process.Start(program, command)
	if err != nil {
		return err
	}
	select {
	case <-running.Done():
	case <-ctx.Done():
		return errors.Join(ctx.Err(), running.Kill())
	}
	if err := running.Err(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", program, strings.Join(arguments, " "), err, bytes.TrimSpace(output.Bytes()))
	}
	return nil
}
