package contract

// What a compose file may be: one service, and nothing that brings in more. What
// pods may be. Every image is named by its digest, or verified by the runtime.

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"go.yaml.in/yaml/v4"
)

var (
	// composeName is every name that docker compose reads unasked.
	composeName = regexp.MustCompile(`^(docker-)?compose(\.override)?\.ya?ml$`)
	// byDigest may have variables in front of the digest, for the registry, also
	// those of a template: {{ .Env.REGISTRY }}/name@sha256:...
	byDigest = regexp.MustCompile(`^[^\s@{]*(\{\{[^@{}]*\}\}[^\s@{]*|\{[^\s@{]*)*@sha256:[0-9a-f]{64}$`)
)

// checkCompose checks the archive of workload.compose.
func checkCompose(archive string, images *ImageKeys) error {
	files, err := unpack(archive)
	if err != nil {
		return err
	}
	var names []string
	for name := range files {
		if composeName.MatchString(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if len(names) != 1 || names[0] != "docker-compose.yaml" && names[0] != "docker-compose.yml" {
		return fmt.Errorf("exactly one docker-compose.yaml or docker-compose.yml belongs at the top, and no other compose file; there is %q", names)
	}
	if err := checkComposeFile(files[names[0]], images); err != nil {
		return fmt.Errorf("%s: %w", names[0], err)
	}
	return nil
}

func checkComposeFile(text []byte, images *ImageKeys) error {
	var file struct {
		Services map[string]map[string]any `yaml:"services"`
		Include  yaml.Node                 `yaml:"include"`
	}
	if err := yaml.Load(text, &file); err != nil {
		return errors.New("not a single YAML document of a compose file")
	}
	if !file.Include.IsZero() {
		return errors.New("include brings in other files, and is not taken")
	}
	if len(file.Services) != 1 {
		return fmt.Errorf("a contract takes one service; there are %d", len(file.Services))
	}
	for name, service := range file.Services {
		for _, key := range []string{"build", "extends"} {
			if _, there := service[key]; there {
				return fmt.Errorf("service %s: a contract takes no %s", name, key)
			}
		}
		if image, _ := service["image"].(string); !images.fix(image) {
			return fmt.Errorf("service %s: %w", name, errNotFixed)
		}
	}
	return nil
}

// checkPlay checks the archive of workload.play: pods and config maps in the
// YAML files at its top, and every image by its digest.
func checkPlay(archive string, images *ImageKeys) error {
	files, err := unpack(archive)
	if err != nil {
		return err
	}
	pods := 0
	for name, text := range files {
		if strings.Contains(name, "/") || path.Ext(name) != ".yaml" && path.Ext(name) != ".yml" {
			continue
		}
		more, err := checkPods(text, images)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		pods += more
	}
	if pods == 0 {
		return errors.New("there is no pod in a YAML file at the top")
	}
	return nil
}

// container and resource are what is read of pods.
type container struct {
	Name  string `yaml:"name"`
	Image string `yaml:"image"`
}

type resource struct {
	Kind string `yaml:"kind"`
	Spec struct {
		Containers     []container `yaml:"containers"`
		InitContainers []container `yaml:"initContainers"`
	} `yaml:"spec"`
}

// checkResource checks one pod or config map.
func checkResource(node *yaml.Node, images *ImageKeys) error {
	var one resource
	if node.Load(&one) != nil {
		return errors.New("not a Pod or ConfigMap")
	}
	_, err := one.check(images)
	return err
}

// check returns how many pods it is: one or none.
func (r resource) check(images *ImageKeys) (pods int, err error) {
	switch r.Kind {
	case "ConfigMap":
		return 0, nil
	case "Pod":
	default:
		return 0, errors.New("a contract takes Pod and ConfigMap only")
	}
	for _, c := range slices.Concat(r.Spec.Containers, r.Spec.InitContainers) {
		if !images.fix(c.Image) {
			return 0, fmt.Errorf("container %s: %w", c.Name, errNotFixed)
		}
	}
	return 1, nil
}

// errNotFixed means that anyone who may push to the registry chooses what runs.
var errNotFixed = errors.New("the image is neither named by its digest (name@sha256:..., as get-digest prints it) nor verified by workload.images (as contract-images prints it)")

// fix reports whether the contract fixes which image runs: by its digest, or by a
// key that the runtime verifies its signature with.
func (k *ImageKeys) fix(image string) bool {
	if byDigest.MatchString(image) && image[0] != '@' {
		return true
	}
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil || k == nil {
		return false
	}
	if _, ok := k.DCT[named.Name()]; ok {
		return true
	}
	_, any := k.RHS[named.Name()]
	tagged, ok := reference.TagNameOnly(named).(reference.NamedTagged)
	if !any && ok {
		_, any = k.RHS[named.Name()+":"+tagged.Tag()]
	}
	return any
}

// checkPods returns how many pods a file has.
func checkPods(text []byte, images *ImageKeys) (pods int, err error) {
	var documents []resource
	if err := yaml.Load(text, &documents, yaml.WithAllDocuments()); err != nil {
		return 0, errors.New("not YAML of pods")
	}
	for _, document := range documents {
		more, err := document.check(images)
		if err != nil {
			return 0, err
		}
		pods += more
	}
	return pods, nil
}
