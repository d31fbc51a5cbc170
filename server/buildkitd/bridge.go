package buildkitd

// The bridge of the steps' network. It is made here and not by the CNI plugin, because
// IPv6 is switched off on it before anything is connected: commands could reach this
// machine by the link-local address of the bridge, which no rule of iptables sees.

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// makeBridge makes the bridge without IPv6.
func (c Config) makeBridge() error {
	if err := withSocket(func(socket int) error { return unix.IoctlSetString(socket, unix.SIOCBRADDBR, padded(c.Bridge)) }); err != nil {
		return fmt.Errorf("make the bridge %s: %w", c.Bridge, err)
	}
	settings := filepath.Join("/proc/sys/net/ipv6/conf", c.Bridge)
	if _, err := os.Stat(settings); errors.Is(err, fs.ErrNotExist) {
		return nil // a kernel without IPv6
	}
	setting := filepath.Join(settings, "disable_ipv6")
	if err := os.WriteFile(setting, []byte("1"), 0); err != nil {
		return fmt.Errorf("switch IPv6 off on %s: %w", c.Bridge, err)
	}
	return nil
}

// checkBridge returns an error if IPv6 is on.
func (c Config) checkBridge() error {
	setting := filepath.Join("/proc/sys/net/ipv6/conf", c.Bridge, "disable_ipv6")
	value, err := os.ReadFile(setting)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil && strings.TrimSpace(string(value)) != "1" {
		return fmt.Errorf("IPv6 is on for %s: commands of a build could reach this machine by it", c.Bridge)
	}
	return nil
}

// removeBridge removes the bridge, if it is there. What was connected to it ends with
// its network namespace.
func (c Config) removeBridge() error {
	_, err := os.Stat(filepath.Join("/sys/class/net", c.Bridge))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join("/sys/class/net", c.Bridge, "bridge")); err != nil {
		return fmt.Errorf("the network interface %s is no bridge: give the builder's bridge another name", c.Bridge)
	}
	err = withSocket(func(socket int) error {
		down, err := unix.NewIfreq(c.Bridge)
		if err != nil {
			return err
		}
		if err := unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, down); err != nil { // flags 0: down
			return err
		}
		return unix.IoctlSetString(socket, unix.SIOCBRDELBR, padded(c.Bridge))
	})
	if err != nil {
		return fmt.Errorf("remove the bridge %s: %w", c.Bridge, err)
	}
	return nil
}

// padded returns a name of as many bytes as the kernel reads.
func padded(name string) string { return name + strings.Repeat("\x00", unix.IFNAMSIZ-len(name)) }

// withSocket calls do with a socket for network ioctls.
func withSocket(do func(socket int) error) error {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	return errors.Join(do(socket), unix.Close(socket))
}
