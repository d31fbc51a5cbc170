package buildkitd

// buildkitd.toml and the configuration of the steps' network.

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"os/exec"
	"slices"
	"text/template"
)

// settingsText is buildkitd.toml. The names are those of BuildKit's
// cmd/buildkitd/config; it ignores one that it does not know, so the stack tests show
// the effect of each that protects something.
var settingsText = template.Must(template.New("buildkitd.toml").Funcs(template.FuncMap{"quote": quote}).Parse(
	`root = {{quote .Root}}
insecure-entitlements = []
provenanceEnvDir = {{quote .NoProvenance}}

[log]
  level = "warn"

[grpc]
  address = [{{quote .Address}}]

[otel]
  socketPath = {{quote .Telemetry}}

[cdi]
  disabled = true

[history]
  maxAge = "1h"
  maxEntries = 8

[frontend."gateway.v0"]
  enabled = false

[worker.containerd]
  enabled = false

[worker.oci]
  enabled = true
  binary = {{quote .Runc}}
  snapshotter = "overlayfs"
  gc = false
  defaultCgroupParent = {{quote .Group}}
  networkMode = "cni"
  cniConfigPath = {{quote .Network}}
  cniBinaryPath = {{quote .Plugins}}
{{range .Registries}}
[registry.{{quote .Host}}]
{{- if .Mirrors}}
  mirrors = [{{range $i, $m := .Mirrors}}{{if $i}}, {{end}}{{quote $m}}{{end}}]
{{- end}}
{{- if .HTTP}}
  http = true
{{- end}}
{{- if .Insecure}}
  insecure = true
{{- end}}
{{end}}`))

// quote returns a basic string of TOML, which has the escapes of JSON.
func quote(text string) (string, error) {
	quoted, err := json.Marshal(text)
	return string(quoted), err
}

type registry struct {
	Host           string
	Mirrors        []string // host[:port][/path]
	HTTP, Insecure bool
}

// settings returns buildkitd.toml for a daemon whose state is in root.
func (c Config) settings(root string) ([]byte, error) {
	registries, err := c.registries()
	if err != nil {
		return nil, err
	}
	runc, err := exec.LookPath("runc")
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	err = settingsText.Execute(&text, map[string]any{
		"Root": root, "Address": "unix://" + c.starting(), "Telemetry": c.telemetry(), "NoProvenance": c.noProvenance(),
		"Runc": runc, "Group": c.Group, "Network": c.networkFile(), "Plugins": c.Plugins, "Registries": registries,
	})
	return text.Bytes(), err
}

// registries returns what is special about each registry, sorted by name.
func (c Config) registries() ([]registry, error) {
	found := map[string]*registry{}
	of := func(host string) *registry {
		if found[host] == nil {
			found[host] = &registry{Host: host}
		}
		return found[host]
	}
	for _, host := range c.Insecure {
		of(host).HTTP, of(host).Insecure = true, true
	}
	for _, mirror := range c.Mirrors {
		parsed, err := url.Parse(mirror)
		if err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
			return nil, fmt.Errorf("mirror %q: it has to be a URL as https://mirror.example", mirror)
		}
		of("docker.io").Mirrors = append(of("docker.io").Mirrors, parsed.Host+parsed.Path)
		if parsed.Scheme == "http" {
			of(parsed.Host).HTTP = true
		}
	}
	var sorted []registry
	for _, one := range found {
		sorted = append(sorted, *one)
	}
	slices.SortFunc(sorted, func(a, b registry) int { return bytes.Compare([]byte(a.Host), []byte(b.Host)) })
	return sorted, nil
}

// network returns the CNI configuration of the steps' network (CNI specification 1.0.0).
// Masquerading and forwarding are rules of the firewall's own: those of the plugins
// would stay when a daemon is killed.
func (c Config) network() ([]byte, error) {
	return json.MarshalIndent(map[string]any{
		"cniVersion": "1.0.0",
		"name":       c.Bridge,
		"plugins": []any{map[string]any{
			"type":             "bridge",
			"bridge":           c.Bridge,
			"isDefaultGateway": true,
			"ipMasq":           false,
			"ipam": map[string]any{
				"type":    "host-local",
				"dataDir": c.addresses(),
				"ranges":  [][]map[string]string{{{"subnet": c.Subnet.String()}}},
			},
		}},
	}, "", "  ")
}
