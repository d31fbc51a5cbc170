package buildkitd

// The name servers that BuildKit gives to the commands of a build.

import (
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"strings"
)

const (
	resolvConf        = "/etc/resolv.conf"
	resolvedConf      = "/run/systemd/resolve/resolv.conf" // with the servers that resolved asks
	resolvedItself    = "127.0.0.53"
	maxNameServerLine = 64 << 10 // bytes of a file that are read
)

// nameServers returns the name servers of commands: those of resolv.conf that are not
// on a loopback address; systemd-resolved's instead of itself. BuildKit
// (executor/oci/resolvconf.go) decides the same.
func nameServers() ([]netip.Addr, error) {
	servers, err := readNameServers(resolvConf)
	if err == nil && len(servers) == 1 && servers[0].String() == resolvedItself {
		servers, err = readNameServers(resolvedConf)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return servers, err
}

func readNameServers(path string) ([]netip.Addr, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var servers []netip.Addr
	for line := range strings.Lines(string(text[:min(len(text), maxNameServerLine)])) {
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[0] != "nameserver" {
			continue
		}
		if server, err := netip.ParseAddr(fields[1]); err == nil {
			servers = append(servers, server.WithZone(""))
		}
	}
	return servers, nil
}
