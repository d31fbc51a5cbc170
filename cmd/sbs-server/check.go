package main

// sbs-server check: the settings as the server would understand them.

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/opensbs/sbs/enclave"
	"github.com/opensbs/sbs/server"
)

// checkSettings reads the environment as a start of the server does, and writes
// one line for each setting to out. It starts nothing, makes no file and opens
// no connection. No secret is written: only that it is given. The error is the
// one that the start would end with.
func checkSettings(getenv func(string) string, out io.Writer) error {
	s, err := readSettings(getenv)
	if err != nil {
		return err
	}
	kind, contract, err := checkContract(getenv)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, row := range append(s.rows(getenv), contract...) {
		fmt.Fprintf(table, "%s\t%s\n", row.name, row.value)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "The settings are complete. Enclave: %s. Nothing was started.\n", kind)
	return err
}

// settingRow is one setting for people. value holds no secret.
type settingRow struct{ name, value string }

// rows returns the operator's settings, with a note at those that are defaults.
func (s settings) rows(getenv func(string) string) []settingRow {
	var rows []settingRow
	add := func(name, value string) {
		switch {
		case value == "":
			value = "none"
		case getenv(name) == "":
			value += " (default)"
		}
		rows = append(rows, settingRow{name, value})
	}
	add(envListen, s.listen)
	add(envHealth, s.health)
	add(envVolume, s.volume)
	add(envRecords, or(s.records, enclave.RecordFolder))
	add(envSimulated, getenv(envSimulated))
	add(envLogFormat, s.log.format)
	add(envLogLevel, strings.ToLower(s.log.level.String()))
	add(envBuilder, s.builder.name)
	if s.builder.name == builderBuildKit {
		add(envBuilderSubnet, s.builder.subnet.String())
	} else {
		add(envDockerHost, or(s.dockerHost, "unix://"+defaultSocket+", or an engine of the server's own"))
		add(envDockerCerts, getenv(envDockerCerts))
	}
	add(envKnownHosts, getenv(envKnownHosts))
	add(envCABundle, s.caFile)
	add(envMirrors, strings.Join(s.registries.mirrors, ", "))
	add(envInsecure, strings.Join(s.registries.insecure, ", "))
	return append(rows, s.proxies.rows()...)
}

// rows returns the proxies without user names and passwords.
func (p proxies) rows() []settingRow {
	var rows []settingRow
	for _, proxy := range []settingRow{{"HTTP_PROXY", p.config.HTTPProxy}, {"HTTPS_PROXY", p.config.HTTPSProxy}} {
		value := "none"
		if address, err := parseProxy(proxy.value); proxy.value != "" && err == nil {
			credentials := ""
			if address.User != nil {
				credentials = " (with credentials)"
			}
			value = address.Scheme + "://" + address.Host + credentials
		}
		rows = append(rows, settingRow{proxy.name, value})
	}
	return append(rows, settingRow{"NO_PROXY", or(p.config.NoProxy, "none")})
}

// checkContract opens what the contract gives the server, and returns the kind
// of the enclave with a row for each value. A simulated enclave without secrets
// is not made: its server key can't be opened yet.
func checkContract(getenv func(string) string) (kind string, rows []settingRow, err error) {
	if dir := getenv(envSimulated); dir != "" {
		_, err := os.Stat(filepath.Join(dir, enclave.FilePublicKey))
		if errors.Is(err, fs.ErrNotExist) {
			return "", nil, fmt.Errorf("%s: %s holds no secrets yet: make them with sbs-server simulate-enclave, and SERVER_KEY for its public key", envSimulated, dir)
		}
		if err != nil {
			return "", nil, fmt.Errorf("%s: %w", envSimulated, err)
		}
	}
	inside, err := chooseEnclave(getenv)
	if err != nil {
		return "", nil, err
	}
	config, err := server.TLSConfig(getenv, inside.OpenMessage)
	if err != nil {
		return "", nil, err
	}
	for _, secret := range []string{enclave.EnvImageSecret, enclave.EnvImagePrivateKey, enclave.EnvImageSecretPrevious} {
		value := "none"
		if getenv(secret) != "" {
			value = "given"
		}
		rows = append(rows, settingRow{secret, value})
	}
	certificates, err := certificateRows(getenv, config)
	if err != nil {
		return "", nil, err
	}
	return inside.Kind(), append(rows, certificates...), nil
}

// certificateRows refuses certificates that are expired or not yet valid: no
// connection would succeed.
func certificateRows(getenv func(string) string, config *tls.Config) ([]settingRow, error) {
	client, err := server.ClientCertificate(getenv)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	rows := []settingRow{{server.EnvServerKey, "given, opened, and the key of " + server.EnvServerCertificate}}
	for _, c := range []struct {
		name        string
		certificate *x509.Certificate
	}{
		{server.EnvServerCertificate, config.Certificates[0].Leaf},
		{server.EnvClientCertificate, client},
	} {
		if now.Before(c.certificate.NotBefore) || now.After(c.certificate.NotAfter) {
			return nil, fmt.Errorf("%s: it is valid from %s to %s, which is not now: take a new one from the client's instance-env", c.name, date(c.certificate.NotBefore), date(c.certificate.NotAfter))
		}
		rows = append(rows, settingRow{c.name, fmt.Sprintf("%s, valid to %s", c.certificate.Subject, date(c.certificate.NotAfter))})
	}
	return append(rows, settingRow{server.EnvClientCA, "given"}), nil
}

func date(t time.Time) string { return t.UTC().Format(time.DateOnly) }
