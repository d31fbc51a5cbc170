package contract

// References from a contract.yaml to files, as tags of YAML: !file, !base64,
// !archive and !yaml. So a contract.yaml holds no secret, and still reads as the
// contract it becomes.

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// maxFile bounds every file that is read, in bytes.
const maxFile = 1 << 20

// resolve replaces every reference at or beneath node. Paths are relative to
// folder.
func resolve(node *yaml.Node, folder string) error {
	if !custom(node) {
		for _, child := range node.Content {
			if err := resolve(child, folder); err != nil {
				return err
			}
		}
		return nil
	}
	if node.Kind != yaml.ScalarNode || node.Value == "" {
		return fmt.Errorf("line %d: %s needs the path of a file", node.Line, node.Tag)
	}
	path := node.Value
	if !filepath.IsAbs(path) {
		path = filepath.Join(folder, path)
	}
	if err := replace(node, path); err != nil {
		return fmt.Errorf("line %d: %s: %w", node.Line, node.Tag, err)
	}
	return nil
}

func custom(node *yaml.Node) bool {
	return strings.HasPrefix(node.Tag, "!") && !strings.HasPrefix(node.Tag, "!!")
}

func replace(node *yaml.Node, path string) error {
	switch node.Tag {
	case "!file":
		content, err := readFile(path)
		if err != nil {
			return err
		}
		if !utf8.Valid(content) {
			return fmt.Errorf("%s is not text: use !base64", path)
		}
		text := strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
		setText(node, text)
	case "!base64":
		content, err := readFile(path)
		if err != nil {
			return err
		}
		setText(node, base64.StdEncoding.EncodeToString(content))
	case "!archive":
		packed, err := archiveFolder(path)
		if err != nil {
			return err
		}
		setText(node, packed)
	case "!yaml":
		return include(node, path)
	default:
		return errors.New("there are !file, !base64, !archive and !yaml only")
	}
	return nil
}

func setText(node *yaml.Node, text string) {
	node.Tag, node.Value, node.Style = "!!str", text, 0
}

// include replaces the node by the YAML of a file. The file may not refer to files
// itself. Its nodes get the line of the replaced node, for errors.
func include(node *yaml.Node, path string) error {
	content, err := readFile(path)
	if err != nil {
		return err
	}
	var document yaml.Node
	if err := yaml.Load(content, &document); err != nil {
		return fmt.Errorf("%s: %w", path, position(err))
	}
	if len(document.Content) != 1 {
		return fmt.Errorf("%s: it is empty", path)
	}
	included := document.Content[0]
	if err := setPosition(included, node.Line, node.Column); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	*node = *included
	return nil
}

// setPosition gives a node and its children a position, and refuses custom tags in them.
func setPosition(node *yaml.Node, line, column int) error {
	if custom(node) {
		return fmt.Errorf("line %d: %s is accepted in contract.yaml only", node.Line, node.Tag)
	}
	node.Line, node.Column = line, column
	for _, child := range node.Content {
		if err := setPosition(child, line, column); err != nil {
			return err
		}
	}
	return nil
}

func archiveFolder(path string) (packed string, err error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	return Archive(root.FS())
}

func readFile(path string) (text []byte, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	text, err = io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("%s is larger than %d KiB", path, maxFile>>10)
	}
	return text, nil
}
