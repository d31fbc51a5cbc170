package buildkitd

// What the machine must have before a daemon is started.

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"path/filepath"
)

// programs are what the daemon runs, with the packages of Debian that have them.
var programs = []struct{ name, debian string }{{"runc", "runc"}, {"iptables-restore", "iptables"}, {"iptables", "iptables"}}

// plugins are the CNI plugins of the steps' network.
var plugins = []string{"bridge", "host-local", "loopback"}

// checkPrograms returns an error that names each missing program and its package.
func (c Config) checkPrograms() error {
	var missing error
	for _, program := range programs {
		if _, err := exec.LookPath(program.name); err != nil {
			missing = errors.Join(missing, fmt.Errorf("%w: install it (Debian's package %s)", err, program.debian))
		}
	}
	for _, plugin := range plugins {
		if _, err := exec.LookPath(filepath.Join(c.Plugins, plugin)); err != nil {
			missing = errors.Join(missing, fmt.Errorf("the CNI plugin %s: %w: install it (Debian's package containernetworking-plugins)", plugin, err))
		}
	}
	return missing
}

// machineInterface is a network interface of this machine.
type machineInterface struct {
	name     string
	networks []netip.Prefix // address and length of its network
}

func machineInterfaces() ([]machineInterface, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var found []machineInterface
	for _, one := range interfaces {
		addresses, err := one.Addrs()
		if err != nil {
			return nil, fmt.Errorf("addresses of %s: %w", one.Name, err)
		}
		of := machineInterface{name: one.Name}
		for _, address := range addresses {
			network, err := netip.ParsePrefix(address.String())
			if err != nil {
				return nil, fmt.Errorf("addresses of %s: %w", one.Name, err)
			}
			of.networks = append(of.networks, network)
		}
		found = append(found, of)
	}
	return found, nil
}

// checkSubnet refuses a subnet that has addresses of another network of this machine
// or of a name server: commands could not reach those.
func (c Config) checkSubnet(interfaces []machineInterface, nameServers []netip.Addr) error {
	for _, one := range interfaces {
		for _, network := range one.networks {
			if one.name != c.Bridge && network.Masked().Overlaps(c.Subnet) {
				return fmt.Errorf("the subnet %s of the builder's network overlaps with the network %s of %s: give the builder a subnet that nothing else uses", c.Subnet, network, one.name)
			}
		}
	}
	for _, server := range nameServers {
		if c.Subnet.Contains(server) {
			return fmt.Errorf("the subnet %s of the builder's network has the address of the name server %s: give the builder a subnet that nothing else uses", c.Subnet, server)
		}
	}
	return nil
}
