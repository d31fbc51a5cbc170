package contract

// The env section, which the deployer writes. Members and rules as in workload.go.

import (
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/opensbs/sbs/api/public"
)

// Env is the env section.
type Env struct {
	Type       string                `yaml:"type"` // "env"
	Logging    *Logging              `yaml:"logging,omitempty"`
	Auths      map[string]Credential `yaml:"auths,omitempty"`
	Volumes    map[string]EnvVolume  `yaml:"volumes,omitempty"`
	CACerts    []map[string]string   `yaml:"cacerts,omitempty"` // base64 of certificates, by a name
	Env        map[string]string     `yaml:"env,omitempty"`
	SigningKey string                `yaml:"signingKey,omitempty"` // set when the contract is signed
	// Passed on as they are.
	Containers      yaml.Node `yaml:"confidential-containers,omitempty"`
	HostAttestation yaml.Node `yaml:"host-attestation,omitempty"`
}

// Logging is the target of the runtime's log: one of the two.
type Logging struct {
	LogRouter *LogRouter `yaml:"logRouter,omitempty"`
	Syslog    *Syslog    `yaml:"syslog,omitempty"`
}

// LogRouter is an instance of IBM Cloud Logs.
type LogRouter struct {
	Hostname  string   `yaml:"hostname"`
	IAMAPIKey string   `yaml:"iamApiKey"`
	Port      uint16   `yaml:"port,omitempty"` // 443 unless given
	Tags      []string `yaml:"tags,omitempty"`
}

// Syslog is a syslog server with TLS. Certificates and key are PEM, or base64 of
// it.
type Syslog struct {
	Hostname string `yaml:"hostname"`
	Port     uint16 `yaml:"port,omitempty"` // 514 unless given
	Server   string `yaml:"server"`         // CA certificate of the server
	Cert     string `yaml:"cert,omitempty"` // certificate of the client
	Key      string `yaml:"key,omitempty"`  // private key of the client
}

// EnvVolume is the deployer's half of a data volume.
type EnvVolume struct {
	Seed         string `yaml:"seed,omitempty"`
	PreviousSeed string `yaml:"previousSeed,omitempty"`
	// Instead of a seed: one that the firmware keeps, index-1 to index-8.
	UVSecretID         string  `yaml:"uv-secret-id,omitempty"`
	UVPreviousSecretID string  `yaml:"uv-previous-secret-id,omitempty"`
	GREP11             *GREP11 `yaml:"grep11,omitempty"`
	APIKey             string  `yaml:"apiKey,omitempty"` // to look the volume up
	VolumeName         string  `yaml:"volumeName,omitempty"`
	VolumeID           string  `yaml:"volumeID,omitempty"`
	KMS                []KMS   `yaml:"kms,omitempty"`
	KMSTimeout         int     `yaml:"kmsTimeout,omitempty"`
}

// KMS is a root key that wraps a third seed.
type KMS struct {
	APIKey string `yaml:"apiKey"`
	CRN    string `yaml:"crn"`
	Type   string `yaml:"type,omitempty"` // public or private
}

// GREP11 is a hardware security module that wraps a third seed. Certificates and
// key are base64.
type GREP11 struct {
	Address    string `yaml:"address"` // host:port
	ClientCert string `yaml:"clientCert"`
	ClientKey  string `yaml:"clientKey"`
	CACert     string `yaml:"caCert"`
	Metadata   struct {
		AESKeyBlob         string `yaml:"aesKeyBlob"`
		PreviousAESKeyBlob string `yaml:"previousaesKeyBlob,omitempty"`
	} `yaml:"metadata"`
}

// minAPIKey is the shortest API key of a volume, in characters.
const minAPIKey = 10

var (
	hostname = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$`)
	rootKey  = regexp.MustCompile(`^crn:v[0-9]+:(bluemix|staging):(public|dedicated|local)(:[^:]+){4}:key:.+$`)
)

func (e *Env) check(platform Platform) error {
	if e.Type == "" {
		e.Type = "env"
	}
	switch {
	case e.Type != "env":
		return errors.New("env.type: it is always env")
	case e.SigningKey != "":
		return errors.New("env.signingKey: leave it out: it is the public half of --signing-key")
	}
	if e.Logging != nil || platform != CCCO {
		if err := e.Logging.check(); err != nil {
			return err
		}
	}
	for _, group := range e.CACerts {
		for name, text := range group {
			if err := public.Check([]byte(text)); err != nil {
				return fmt.Errorf("env.cacerts: %s %w", name, err)
			}
		}
	}
	if err := checkAuths("env", e.Auths); err != nil {
		return err
	}
	if err := checkVariables("env", e.Env); err != nil {
		return err
	}
	for name, v := range e.Volumes {
		if !volumeName.MatchString(name) {
			return fmt.Errorf("env.volumes: %q is no name of a volume (a-z, 0-9, - and _)", name)
		}
		if err := v.checkSeeds("env.volumes." + name); err != nil {
			return err
		}
		if v.APIKey != "" && len(v.APIKey) < minAPIKey {
			return fmt.Errorf("env.volumes.%s.apiKey: it has %d characters or more", name, minAPIKey)
		}
		for _, k := range v.KMS {
			if !rootKey.MatchString(k.CRN) || len(k.APIKey) < minAPIKey || !slices.Contains([]string{"", "public", "private"}, k.Type) {
				return fmt.Errorf("env.volumes.%s.kms: each has the crn of a root key, an apiKey of %d characters or more, and the type public or private", name, minAPIKey)
			}
		}
	}
	return nil
}

func (l *Logging) check() error {
	if l == nil || (l.LogRouter == nil) == (l.Syslog == nil) {
		return errors.New("env.logging: it has exactly one of logRouter and syslog")
	}
	if r := l.LogRouter; r != nil {
		if !hostname.MatchString(r.Hostname) || r.IAMAPIKey == "" {
			return errors.New("env.logging.logRouter: it has a hostname and an iamApiKey")
		}
		return nil
	}
	s := l.Syslog
	if !hostname.MatchString(s.Hostname) {
		return errors.New("env.logging.syslog: it has a hostname")
	}
	if (s.Cert == "") != (s.Key == "") {
		return errors.New("env.logging.syslog: cert and key belong together")
	}
	for _, member := range []struct{ name, value, kind string }{
		{"server", s.Server, "CERTIFICATE"}, {"cert", s.Cert, "CERTIFICATE"}, {"key", s.Key, "PRIVATE KEY"},
	} {
		if (member.name == "server" || member.value != "") && !isPEM(member.value, member.kind) {
			return fmt.Errorf("env.logging.syslog.%s: neither PEM of a %s, nor base64 of that", member.name, strings.ToLower(member.kind))
		}
		if err := public.Check([]byte(member.value)); member.name != "key" && err != nil {
			return fmt.Errorf("env.logging.syslog.%s: the text %w", member.name, err)
		}
	}
	return nil
}

// isPEM reports whether a text is PEM of a kind, or base64 of it.
func isPEM(text, kind string) bool {
	if raw, err := base64.StdEncoding.DecodeString(text); err == nil {
		text = string(raw)
	}
	block, _ := pem.Decode([]byte(text))
	return block != nil && (block.Type == kind || strings.HasSuffix(block.Type, " "+kind))
}
