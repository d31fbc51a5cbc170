package buildkitd

// What a daemon is given, and the folders and environment that follow from it.

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
)

// DefaultSubnet and DefaultBridge are the network of the only daemon on a machine. The
// subnet is none of those that Docker, podman or BuildKit take by themselves.
var DefaultSubnet = netip.MustParsePrefix("10.87.0.0/22")

const (
	DefaultBridge  = "sbs-builds"
	DefaultPlugins = "/usr/lib/cni" // Debian's containernetworking-plugins
)

// Config has the program, the folders, the network and the registries of a daemon.
type Config struct {
	// Program is the path of buildkitd.
	Program string
	// Data is the absolute path of the folder for images and layers. Each start of
	// the daemon makes a new folder in it and removes everything else in it.
	Data string
	// Run is the absolute path of a folder for the socket and the configuration; it
	// belongs to this daemon alone. Paths of sockets are short: at most 80 bytes.
	Run string
	// Group is the name of a cgroup below the root, as "sbs-builds", which belongs
	// to the commands of this daemon alone: whatever runs in it when a daemon
	// starts was left by one that was killed, and is killed too.
	Group string
	// Bridge is the name of a network interface for the commands of this daemon
	// alone: one that is there when a daemon starts is removed. Its firewall chains
	// are named after it.
	Bridge string
	// Subnet has the addresses of the commands, IPv4.
	Subnet netip.Prefix
	// Plugins is the folder of the CNI plugins.
	Plugins string
	// Mirrors are URLs of mirrors of Docker Hub, requested before it.
	Mirrors []string
	// Insecure are registries, as host[:port], that may be reached without TLS
	// or with a certificate that no CA has signed. For a laboratory only.
	Insecure []string
	// CAFile is a PEM file of CAs that the daemon trusts for registries, in
	// addition to those of /etc/ssl/certs; may be empty.
	CAFile string
	// Logger gets what the daemon prints, line by line.
	Logger *slog.Logger
}

const maxRun = 80 // bytes; the socket's path has at most 107 (unix(7))

// bridgeName is what the kernel takes as a name, and iptables without quoting.
var bridgeName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,14}$`)

func (c Config) validate() error {
	for _, dir := range []string{c.Data, c.Run, c.Plugins} {
		if !filepath.IsAbs(dir) {
			return fmt.Errorf("folder %q: the path is not absolute", dir)
		}
	}
	if len(c.Run) > maxRun {
		return fmt.Errorf("folder %q: the path has more than %d bytes, so that a socket in it could have no name", c.Run, maxRun)
	}
	if !bridgeName.MatchString(c.Bridge) {
		return fmt.Errorf("bridge %q: the name has to be of at most 15 small letters, digits and hyphens, a letter first", c.Bridge)
	}
	if !c.Subnet.Addr().Is4() || c.Subnet.Bits() > 28 || c.Subnet != c.Subnet.Masked() {
		return fmt.Errorf("subnet %s: it has to be an IPv4 network of at least 16 addresses, as %s", c.Subnet, DefaultSubnet)
	}
	return nil
}

// host is the address of the socket once the daemon was checked; until then the
// socket is at starting, where no client looks for it.
func (c Config) host() string     { return "unix://" + c.socket() }
func (c Config) socket() string   { return filepath.Join(c.Run, "buildkitd.sock") }
func (c Config) starting() string { return filepath.Join(c.Run, "starting.sock") }

// telemetry is a socket that a step would see if it were there.
func (c Config) telemetry() string { return filepath.Join(c.Run, "telemetry", "otel.sock") }

func (c Config) settingsFile() string { return filepath.Join(c.Run, "buildkitd.toml") }
func (c Config) networkFile() string  { return filepath.Join(c.Run, "network.conflist") }

// addresses is the folder in which the plugin host-local reserves addresses.
func (c Config) addresses() string { return filepath.Join(c.Run, "addresses") }

// noProvenance is read instead of /etc/buildkit/provenance.d, and is not there.
func (c Config) noProvenance() string { return filepath.Join(c.Run, "provenance.d") }

// stepLog bounds the output of one step, in bytes: 64 MiB.
const stepLog = "67108864"

// passedOn are the environment values that the daemon gets: the path of other programs
// and, for pulling, the proxy.
var passedOn = []string{"PATH", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"}

func (c Config) environment(getenv func(string) string) []string {
	var environment []string
	for _, name := range passedOn {
		if value := getenv(name); value != "" {
			environment = append(environment, name+"="+value)
		}
	}
	// A step may write as much as the build log takes, as fast as it can.
	environment = append(environment, "BUILDKIT_STEP_LOG_MAX_SIZE="+stepLog, "BUILDKIT_STEP_LOG_MAX_SPEED=-1")
	if c.CAFile != "" {
		environment = append(environment, "SSL_CERT_FILE="+c.CAFile)
	}
	return environment
}

// arguments has the group because a file in /etc/buildkit would give another default.
func (c Config) arguments() []string {
	return []string{"--config", c.settingsFile(), "--group", "0"}
}

// makeFolders makes the folders as they are at the start of any daemon.
func (c Config) makeFolders() error {
	// A process that can open the socket is root on the machine.
	if err := os.MkdirAll(c.Run, 0o700); err != nil {
		return err
	}
	if err := os.Chmod(c.Run, 0o700); err != nil {
		return err
	}
	return os.MkdirAll(c.Data, 0o700)
}

// writeFiles writes the configuration of a daemon whose state is in root.
func (c Config) writeFiles(root string) error {
	settings, err := c.settings(root)
	if err != nil {
		return err
	}
	network, err := c.network()
	if err != nil {
		return err
	}
	return errors.Join(
		os.MkdirAll(filepath.Dir(c.telemetry()), 0o700),
		os.WriteFile(c.settingsFile(), settings, 0o600),
		os.WriteFile(c.networkFile(), network, 0o600),
	)
}

// removeFiles removes what a daemon leaves in Run.
func (c Config) removeFiles() error {
	var failed error
	for _, path := range []string{c.socket(), c.starting(), c.settingsFile(), c.networkFile(), c.addresses(), filepath.Dir(c.telemetry())} {
		failed = errors.Join(failed, os.RemoveAll(path))
	}
	return failed
}
