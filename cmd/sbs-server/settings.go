package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/docker/docker/client"

	"github.com/opensbs/sbs/api/public"
	"github.com/opensbs/sbs/enclave"
	"github.com/opensbs/sbs/envname"
	"github.com/opensbs/sbs/server"
	"github.com/opensbs/sbs/server/source"
	"github.com/opensbs/sbs/signature/httpclient"
)

// settings are the operator's, out of the environment: all values but those of the
// contract, which packages enclave and server read.
type settings struct {
	listen  string // address
	health  string // loopback address; "" for none
	volume  string // folder
	records string // folder of the attestation record; "" for the usual one

	log        logSettings
	builder    builderSettings
	dockerHost string // "" for the usual one
	registries registries
	knownHosts []byte
	caFile     string // the file of caBundle
	caBundle   []byte // PEM
	proxies    proxies
}

// maxSettingsFile bounds the files that settings name, in bytes.
const maxSettingsFile = 16 << 20

// readSettings reads and checks every value before anything is touched. An error
// names the value, and what it takes.
func readSettings(getenv func(string) string) (s settings, err error) {
	s = settings{
		listen: or(getenv(envListen), ":443"), health: getenv(envHealth),
		volume: or(getenv(envVolume), "/data"), records: getenv(envRecords),
		dockerHost: getenv(envDockerHost), caFile: getenv(envCABundle),
	}
	if s.log, err = readLogSettings(getenv); err != nil {
		return settings{}, err
	}
	if s.builder, err = readBuilderSettings(getenv); err != nil {
		return settings{}, err
	}
	if s.registries, err = readRegistries(getenv); err != nil {
		return settings{}, err
	}
	if s.proxies, err = readProxies(); err != nil {
		return settings{}, err
	}
	for _, setting := range []struct {
		name  string
		check func() error
	}{
		{envListen, func() error { return checkListen(s.listen) }},
		{envHealth, func() error { return checkHealth(s.health) }},
		{envVolume, func() error { return checkFolder(s.volume) }},
		{envRecords, func() error { return checkFolder(s.records) }},
		{envSimulated, func() error { return checkSimulated(getenv) }},
		{envDockerHost, func() error { return checkDockerHost(s.dockerHost) }},
		{envDockerCerts, func() error { return checkDockerCerts(getenv(envDockerCerts)) }},
		{envKnownHosts, func() (err error) {
			if s.knownHosts, err = readSettingsFile(getenv(envKnownHosts)); err != nil {
				return err
			}
			if err := public.Check(s.knownHosts); err != nil {
				return fmt.Errorf("its file %w", err)
			}
			return source.CheckKnownHosts(s.knownHosts)
		}},
		{envCABundle, func() (err error) {
			if s.caBundle, err = readSettingsFile(s.caFile); err != nil {
				return err
			}
			if s.caFile != "" && len(s.caBundle) == 0 {
				return fmt.Errorf("%s is empty: it takes PEM of CA certificates", s.caFile)
			}
			if err := public.Certificates(s.caBundle); s.caFile != "" && err != nil {
				return fmt.Errorf("its file %w", err)
			}
			_, err = httpclient.Roots(s.caBundle)
			return err
		}},
	} {
		if err := setting.check(); err != nil {
			return settings{}, fmt.Errorf("%s: %w", setting.name, err)
		}
	}
	return s, nil
}

// knownNames are the environment values whose names begin with envname.Prefix.
var knownNames = []string{
	envListen, envVolume, envHealth, envLogFormat, envLogLevel, envBuilder, envBuilderSubnet, envMirrors, envInsecure,
	envSimulated, envKnownHosts, envRecords, envCABundle,
}

// checkNames returns an error for a name in environ, as os.Environ returns it, that
// the server would ignore.
func checkNames(environ []string) error {
	unknown := envname.Find(environ, knownNames)
	if len(unknown) == 0 {
		return nil
	}
	if first := unknown[0]; first.Nearest != "" {
		return fmt.Errorf("%s: the server has no such setting; is %s meant?", first.Name, first.Nearest)
	}
	return fmt.Errorf("%s: the server has no such setting: remove it, or take a name from docs/server.md: %s", unknown[0].Name, strings.Join(knownNames, ", "))
}

func checkListen(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return fmt.Errorf("%q is not an address to listen on: it takes HOST:PORT or :PORT", address)
	}
	return nil
}

func checkHealth(address string) error {
	if address == "" {
		return nil
	}
	return server.CheckHealthAddress(address)
}

// checkFolder takes a folder that is not there yet: it may be made later.
func checkFolder(path string) error {
	if path == "" {
		return nil
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a folder", path)
	}
	return nil
}

// checkSimulated refuses two enclaves: anyone who adds a variable to a real one must
// not turn it into one whose keys are in clear.
func checkSimulated(getenv func(string) string) error {
	dir := getenv(envSimulated)
	if dir != "" && (getenv(enclave.EnvImageSecret) != "" || getenv(enclave.EnvImagePrivateKey) != "") {
		return fmt.Errorf("it is set, and so are the secrets of a real enclave (%s, %s): take one of the two out", enclave.EnvImageSecret, enclave.EnvImagePrivateKey)
	}
	return checkFolder(dir)
}

func checkDockerHost(host string) error {
	if host == "" {
		return nil
	}
	if _, err := client.ParseHostURL(host); err != nil {
		return fmt.Errorf("%q is not the address of a Docker Engine: it takes unix:///PATH or tcp://HOST:PORT", host)
	}
	return nil
}

// checkDockerCerts makes sure that the folder has what a connection to the engine
// needs.
func checkDockerCerts(dir string) error {
	if dir == "" {
		return nil
	}
	for _, name := range []string{"ca.pem", "cert.pem", "key.pem"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("it takes a folder with ca.pem, cert.pem and key.pem: %w", err)
		}
	}
	return nil
}

// readSettingsFile returns nil without a path.
func readSettingsFile(path string) (content []byte, err error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	content, err = io.ReadAll(io.LimitReader(file, maxSettingsFile+1))
	switch {
	case err != nil:
		return nil, err
	case len(content) > maxSettingsFile:
		return nil, fmt.Errorf("%s is larger than %d MiB", path, maxSettingsFile>>20)
	}
	return content, nil
}
