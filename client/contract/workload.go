package contract

// The workload section, which the provider of the image writes. Its members and
// rules are those of IBM's contract schema 1.0.116
// (https://github.com/ibm-hyper-protect/contract-go, schema/contract).

import (
	"errors"
	"fmt"
	"regexp"

	"go.yaml.in/yaml/v4"

	"github.com/opensbs/sbs/api/public"
)

// Workload is the workload section.
type Workload struct {
	Type    string                `yaml:"type"` // "workload"
	Auths   map[string]Credential `yaml:"auths,omitempty"`
	Compose *Packed               `yaml:"compose,omitempty"`
	Play    *Play                 `yaml:"play,omitempty"`
	// Containers is confidential-containers, which is passed on as it is.
	Containers yaml.Node                 `yaml:"confidential-containers,omitempty"`
	Images     *ImageKeys                `yaml:"images,omitempty"`
	Volumes    map[string]WorkloadVolume `yaml:"volumes,omitempty"`
	Env        map[string]string         `yaml:"env,omitempty"`
}

// Credential is a user of a registry.
type Credential struct {
	Username string `yaml:"username"`
	Password string `yaml:"password"`
}

// Packed holds an archive, as Archive makes it.
type Packed struct {
	Archive string `yaml:"archive"`
}

// Play describes pods: in an archive, in clear, or as templates that the runtime
// fills in from env. Resources and templates are passed on as they are.
type Play struct {
	Archive   string      `yaml:"archive,omitempty"`
	Resources []yaml.Node `yaml:"resources,omitempty"`
	Templates []yaml.Node `yaml:"templates,omitempty"`
}

// ImageKeys are the keys that the runtime requires of images, as contract-images
// prints them.
type ImageKeys struct {
	DCT map[string]DCTKey `yaml:"dct,omitempty"` // by host/namespace/name
	RHS map[string]RHSKey `yaml:"rhs,omitempty"` // by host/namespace/name[:tag]
}

// DCTKey is a root key of Docker Content Trust.
type DCTKey struct {
	Notary    string `yaml:"notary"`
	PublicKey string `yaml:"publicKey"` // as root.json has it
}

// RHSKey is an OpenPGP key of simple signing.
type RHSKey struct {
	PublicKey string `yaml:"publicKey"` // base64 of the armoured key
}

// WorkloadVolume is the provider's half of a data volume.
type WorkloadVolume struct {
	Mount        string `yaml:"mount,omitempty"`      // a path; /mnt/data unless given
	Filesystem   string `yaml:"filesystem,omitempty"` // ext4 unless given
	Seed         string `yaml:"seed"`
	PreviousSeed string `yaml:"previousSeed,omitempty"`
}

// The schema's patterns.
var (
	volumeName   = regexp.MustCompile(`^[a-z_][a-z0-9-_]*$`)
	mountPath    = regexp.MustCompile(`^(/[^/]+)+$`)
	filesystem   = regexp.MustCompile(`^(xfs|ext4|btrfs)$`)
	seedText     = regexp.MustCompile(`^[a-zA-Z0-9!@#$%^&*(),.?":{}|<>_-]{15,}$`)
	variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	registryName = regexp.MustCompile(`^([A-Za-z]([A-Za-z0-9-]*[A-Za-z0-9])?\.)*[A-Za-z]([A-Za-z0-9-]*[A-Za-z0-9])?(:[0-9]+)?$|^([0-9]{1,3}\.){3}[0-9]{1,3}(:[0-9]+)?$|^https://index\.docker\.io/v1/$`)
	dctName      = regexp.MustCompile(`^([a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?\.)*[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?/[a-z0-9_-]{3,30}/[a-z0-9_-]{2,255}$`)
	rhsName      = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)+(/[a-z0-9-_]+)+(:[a-zA-Z0-9_][a-zA-Z0-9_.-]{2,127})?(@sha256:[a-f0-9]{64})?$`)
)

// check returns an error that names the first member that breaks a rule, and
// never its value. Members of a section follow its name.
func (w *Workload) check() error {
	if w.Type == "" {
		w.Type = "workload"
	}
	if w.Type != "workload" {
		return errors.New("workload.type: it is always workload")
	}
	if err := w.checkArchive(); err != nil {
		return err
	}
	if err := checkAuths("workload", w.Auths); err != nil {
		return err
	}
	if err := checkVariables("workload", w.Env); err != nil {
		return err
	}
	for name, v := range w.Volumes {
		at := "workload.volumes." + name
		switch {
		case !volumeName.MatchString(name):
			return fmt.Errorf("workload.volumes: %q is no name of a volume (a-z, 0-9, - and _)", name)
		case v.Mount != "" && !mountPath.MatchString(v.Mount):
			return fmt.Errorf("%s.mount: not an absolute path without a slash at its end", at)
		case v.Filesystem != "" && !filesystem.MatchString(v.Filesystem):
			return fmt.Errorf("%s.filesystem: one of ext4, xfs, btrfs", at)
		}
		if err := checkSeeds(at, v.Seed, v.PreviousSeed); err != nil {
			return err
		}
	}
	return w.Images.check()
}

func (w *Workload) checkArchive() error {
	kinds := 0
	for _, there := range []bool{w.Compose != nil, w.Play != nil, !w.Containers.IsZero()} {
		if there {
			kinds++
		}
	}
	switch {
	case kinds != 1:
		return errors.New("workload: it has exactly one of compose and play, or of these and confidential-containers")
	case w.Compose != nil:
		if err := checkCompose(w.Compose.Archive, w.Images); err != nil {
			return fmt.Errorf("workload.compose.archive: %w", err)
		}
	case w.Play != nil:
		return w.Play.check(w.Images)
	}
	return nil
}

func (p *Play) check(images *ImageKeys) error {
	if p.Archive == "" && len(p.Resources) == 0 && len(p.Templates) == 0 {
		return errors.New("workload.play: it has an archive, resources or templates")
	}
	if p.Archive != "" {
		if err := checkPlay(p.Archive, images); err != nil {
			return fmt.Errorf("workload.play.archive: %w", err)
		}
	}
	for name, list := range map[string][]yaml.Node{"resources": p.Resources, "templates": p.Templates} {
		for i := range list {
			if err := checkResource(&list[i], images); err != nil {
				return fmt.Errorf("workload.play.%s[%d]: %w", name, i, err)
			}
		}
	}
	return nil
}

func (k *ImageKeys) check() error {
	if k == nil {
		return nil
	}
	for name, key := range k.DCT {
		if !dctName.MatchString(name) || key.Notary == "" || key.PublicKey == "" {
			return fmt.Errorf("workload.images.dct: %q: it is host/namespace/name with notary and publicKey, as contract-images prints it", name)
		}
		if err := public.Check([]byte(key.PublicKey)); err != nil {
			return fmt.Errorf("workload.images.dct: %q: its publicKey %w", name, err)
		}
	}
	for name, key := range k.RHS {
		if !rhsName.MatchString(name) || key.PublicKey == "" {
			return fmt.Errorf("workload.images.rhs: %q: it is host/namespace/name[:tag] with publicKey, as contract-images prints it", name)
		}
		if err := public.Check([]byte(key.PublicKey)); err != nil {
			return fmt.Errorf("workload.images.rhs: %q: its publicKey %w", name, err)
		}
	}
	return nil
}

func checkAuths(section string, auths map[string]Credential) error {
	for registry, c := range auths {
		switch {
		case !registryName.MatchString(registry):
			return fmt.Errorf("%s.auths: %q is no registry: a host, a host and a port, or https://index.docker.io/v1/", section, registry)
		case len(c.Username) < 3 || len(c.Password) < 3:
			return fmt.Errorf("%s.auths.%s: username and password have three characters or more", section, registry)
		}
	}
	return nil
}

func checkVariables(section string, env map[string]string) error {
	for name := range env {
		if !variableName.MatchString(name) {
			return fmt.Errorf("%s.env: %q is no name of a variable", section, name)
		}
	}
	return nil
}

func checkSeeds(at, seed, previous string) error {
	const rule = `%s.%s: a seed has 15 characters or more of a-z A-Z 0-9 !@#$%%^&*(),.?":{}|<>_-`
	if !seedText.MatchString(seed) {
		return fmt.Errorf(rule, at, "seed")
	}
	if previous != "" && !seedText.MatchString(previous) {
		return fmt.Errorf(rule, at, "previousSeed")
	}
	return nil
}
