package buildkitd

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func example() Config {
	return Config{
		Data: "/data/builder", Run: "/run/own", Group: "own-builds", Bridge: "own", Subnet: DefaultSubnet, Plugins: DefaultPlugins,
		Mirrors:  []string{"https://one.example/hub", "http://two.example:5000"},
		Insecure: []string{"lab.example:5000", `odd".example`},
	}
}

// withPrograms makes the programs that are looked up in PATH.
func withPrograms(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
	return dir
}

// golden compares got with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	want, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil || string(got) != string(want) {
		t.Errorf("%s (%v): got\n%s\nwant\n%s", name, err, got, want)
	}
}

func TestSettings(t *testing.T) {
	dir := withPrograms(t, "runc")
	got, err := example().settings("/data/builder/daemon-1")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "buildkitd.toml", []byte(strings.ReplaceAll(string(got), dir, "/usr/sbin")))
	network, err := example().network()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "network.conflist", network)
}

func TestMirrorsAreURLs(t *testing.T) {
	withPrograms(t, "runc")
	for _, mirror := range []string{"", "mirror.example", "ftp://mirror.example", "https://", "https://[::"} {
		config := example()
		config.Mirrors = []string{mirror}
		if _, err := config.settings("/data"); err == nil || !strings.Contains(err.Error(), "it has to be a URL") {
			t.Errorf("mirror %q: %v, want a refusal", mirror, err)
		}
	}
}

func TestRules(t *testing.T) {
	var servers []netip.Addr
	for _, server := range []string{"192.0.2.53", "169.254.169.253", "127.0.0.1", "2001:db8::53"} {
		servers = append(servers, netip.MustParseAddr(server))
	}
	golden(t, "rules", []byte(example().rules(servers)))
}

func TestEnvironmentHasOnlyWhatIsNamed(t *testing.T) {
	set := map[string]string{
		"PATH": "/usr/bin", "HTTPS_PROXY": "http://proxy.example", "no_proxy": "localhost",
		"IMAGE_SECRET": "secret", "IMAGE_PRIVATE_KEY": "secret", "SERVER_KEY": "secret", "DOCKER_HOST": "tcp://elsewhere",
		"SSL_CERT_FILE": "/other.pem", "BUILDKITD_CONFIG": "/other.toml", "OTEL_TRACES_EXPORTER": "otlp", "BUILDKIT_DEBUG_EXEC_OUTPUT": "1",
	}
	got := Config{CAFile: "/ca.pem"}.environment(func(name string) string { return set[name] })
	want := []string{"BUILDKIT_STEP_LOG_MAX_SIZE=67108864", "BUILDKIT_STEP_LOG_MAX_SPEED=-1", "HTTPS_PROXY=http://proxy.example", "PATH=/usr/bin", "SSL_CERT_FILE=/ca.pem", "no_proxy=localhost"}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the environment is %q, want %q", got, want)
	}
	if arguments := strings.Join(example().arguments(), " "); arguments != "--config /run/own/buildkitd.toml --group 0" {
		t.Errorf("the arguments are %q", arguments)
	}
}

func TestValidate(t *testing.T) {
	if err := example().validate(); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(*Config){
		"not absolute":          func(c *Config) { c.Data = "data" },
		"more than 80 bytes":    func(c *Config) { c.Run = "/" + strings.Repeat("x", 80) },
		"small letters":         func(c *Config) { c.Bridge = "a;b" },
		"at most 15":            func(c *Config) { c.Bridge = "sixteen-letters-" },
		"at least 16 addresses": func(c *Config) { c.Subnet = netip.MustParsePrefix("10.0.0.0/29") },
		"an IPv4 network":       func(c *Config) { c.Subnet = netip.MustParsePrefix("fd00::/64") },
		"subnet 10.0.0.1/24":    func(c *Config) { c.Subnet = netip.MustParsePrefix("10.0.0.1/24") },
		"subnet invalid Prefix": func(c *Config) { c.Subnet = netip.Prefix{} },
	} {
		config := example()
		change(&config)
		if err := config.validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want an error with %q", err, want)
		}
	}
}
