package buildkitd

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMissingPrograms(t *testing.T) {
	config := example()
	config.Plugins = withPrograms(t, "runc", "iptables", "iptables-restore", "bridge", "host-local", "loopback")
	if err := config.checkPrograms(); err != nil {
		t.Errorf("nothing is missing: %v", err)
	}
	for name, debian := range map[string]string{
		"runc": "runc", "iptables": "iptables", "iptables-restore": "iptables",
		"bridge": "containernetworking-plugins", "host-local": "containernetworking-plugins", "loopback": "containernetworking-plugins",
	} {
		path := filepath.Join(config.Plugins, name)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := config.checkPrograms(); err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "Debian's package "+debian+")") {
			t.Errorf("without %s: %v, want an error with it and package %s", name, err, debian)
		}
		if err := os.WriteFile(path, nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSubnetOfAnotherNetwork(t *testing.T) {
	on := func(name, network string) []machineInterface {
		return []machineInterface{{"lo", []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8"), netip.MustParsePrefix("::1/128")}}, {name, []netip.Prefix{netip.MustParsePrefix(network)}}}
	}
	for _, test := range []struct {
		interfaces []machineInterface
		server     string
		refused    string
	}{
		{on("eth0", "192.0.2.2/24"), "192.0.2.53", ""},
		{on("own", "10.87.0.1/22"), "192.0.2.53", ""}, // its own bridge
		{on("eth0", "10.87.3.255/32"), "192.0.2.53", "10.87.3.255/32 of eth0"},
		{on("eth0", "10.1.1.1/8"), "192.0.2.53", "10.1.1.1/8 of eth0"},
		{on("eth0", "192.0.2.2/24"), "10.87.1.53", "name server 10.87.1.53"},
	} {
		err := example().checkSubnet(test.interfaces, []netip.Addr{netip.MustParseAddr(test.server)})
		if test.refused == "" && err != nil || test.refused != "" && (err == nil || !strings.Contains(err.Error(), test.refused)) {
			t.Errorf("%v, %s: %v, want a refusal with %q", test.interfaces, test.server, err, test.refused)
		}
	}
	if found, err := machineInterfaces(); err != nil || len(found) == 0 || found[0].name == "" {
		t.Errorf("the interfaces of this machine: %v, %v", found, err)
	}
}

func TestReadNameServers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(path, []byte("# nameserver 192.0.2.1\nsearch example\nnameserver 192.0.2.53\nnameserver\nnameserver fe80::1%eth0\nnameserver name\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := readNameServers(path)
	if err != nil || len(got) != 2 || got[0].String() != "192.0.2.53" || got[1].String() != "fe80::1" {
		t.Errorf("got %v, %v", got, err)
	}
}
