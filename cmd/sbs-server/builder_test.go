package main

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/opensbs/sbs/server/buildkitd"
)

func TestBuilderSettings(t *testing.T) {
	read := func(values map[string]string) (builderSettings, error) {
		return readBuilderSettings(func(name string) string { return values[name] })
	}
	for _, test := range []struct {
		values  map[string]string
		want    builderSettings
		network string
	}{
		{nil, builderSettings{builderDocker, buildkitd.DefaultSubnet}, "sbs-builds"},
		{map[string]string{envBuilder: "docker", envDockerHost: "tcp://127.0.0.1:1"}, builderSettings{builderDocker, buildkitd.DefaultSubnet}, "sbs-builds"},
		{map[string]string{envBuilder: "buildkit"}, builderSettings{builderBuildKit, buildkitd.DefaultSubnet}, "sbs-builds"},
		{map[string]string{envBuilder: "buildkit", envBuilderSubnet: "10.99.4.0/24"}, builderSettings{builderBuildKit, netip.MustParsePrefix("10.99.4.0/24")}, "sbs-0a630400"},
	} {
		got, err := read(test.values)
		if err != nil || got != test.want || got.network() != test.network {
			t.Errorf("%v: %+v, network %s, %v", test.values, got, got.network(), err)
		}
	}
	for name, values := range map[string]map[string]string{
		envBuilder:                            {envBuilder: "kaniko"},
		envBuilder + ": buildkit uses no":     {envBuilder: "buildkit", envDockerHost: "unix:///var/run/docker.sock"},
		envBuilderSubnet:                      {envBuilder: "buildkit", envBuilderSubnet: "10.99.4.1/24"},
		envBuilderSubnet + ": \"ten\" is not": {envBuilder: "buildkit", envBuilderSubnet: "ten"},
		envBuilderSubnet + ": it is for":      {envBuilderSubnet: "10.99.4.0/24"},
	} {
		if _, err := read(values); err == nil || !strings.HasPrefix(err.Error(), name) {
			t.Errorf("%v: %v, want an error that begins with %q", values, err, name)
		}
	}
}
