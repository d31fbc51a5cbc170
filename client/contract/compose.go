package contract

// What a compose file may be: one service, of an image that is named by its
// digest, and nothing that brings in more.

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

var (
	// composeName is every name that docker compose reads unasked.
	composeName = regexp.MustCompile(`^(docker-)?compose(\.override)?\.ya?ml$`)
	// byDigest may have variables in front of the digest, for the registry.
	byDigest = regexp.MustCompile(`^[^\s@]+@sha256:[0-9a-f]{64}$`)
)

// checkCompose checks the archive of workload.compose.
func checkCompose(archive string) error {
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
	if err := checkComposeFile(files[names[0]]); err != nil {
		return fmt.Errorf("%s: %w", names[0], err)
	}
	return nil
}

func checkComposeFile(text []byte) error {
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
		if image, _ := service["image"].(string); !byDigest.MatchString(image) {
			return fmt.Errorf("service %s: the image is not named by its digest (name@sha256:..., as get-digest prints it)", name)
		}
	}
	return nil
}

// checkPlay checks the archive of workload.play: pods and config maps in the
// YAML files at its top, and every image by its digest.
func checkPlay(archive string) error {
	files, err := unpack(archive)
	if err != nil {
		return err
	}
	pods := 0
	for name, text := range files {
		if strings.Contains(name, "/") || path.Ext(name) != ".yaml" && path.Ext(name) != ".yml" {
			continue
		}
		more, err := checkPods(text)
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

// checkPods returns how many pods a file has.
func checkPods(text []byte) (pods int, err error) {
	type container struct {
		Name  string `yaml:"name"`
		Image string `yaml:"image"`
	}
	var documents []struct {
		Kind string `yaml:"kind"`
		Spec struct {
			Containers     []container `yaml:"containers"`
			InitContainers []container `yaml:"initContainers"`
		} `yaml:"spec"`
	}
	if err := yaml.Load(text, &documents, yaml.WithAllDocuments()); err != nil {
		return 0, errors.New("not YAML of pods")
	}
	for _, document := range documents {
		switch document.Kind {
		case "ConfigMap":
			continue
		case "Pod":
			pods++
		default:
			return 0, errors.New("a contract takes Pod and ConfigMap only")
		}
		for _, c := range slices.Concat(document.Spec.Containers, document.Spec.InitContainers) {
			if !byDigest.MatchString(c.Image) {
				return 0, fmt.Errorf("container %s: the image is not named by its digest (name@sha256:..., as get-digest prints it)", c.Name)
			}
		}
	}
	return pods, nil
}
