package contract

// The sections of a contract as IBM's samples write them: texts that hold YAML
// (workload: |), or sections that are encrypted already.

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

// sectionNames are the members of a contract that are sections.
var sectionNames = []string{"workload", "env"}

// openTexts replaces each section that is written as text by its mapping, and takes
// out those that are encrypted: they are returned by their names.
func openTexts(document *yaml.Node) (encrypted map[string]string, err error) {
	encrypted = map[string]string{}
	if len(document.Content) != 1 || document.Content[0].Kind != yaml.MappingNode {
		return encrypted, nil
	}
	contract := document.Content[0]
	for _, name := range sectionNames {
		i := memberIndex(contract, name)
		if i < 0 || contract.Content[i+1].Kind != yaml.ScalarNode || custom(contract.Content[i+1]) {
			continue
		}
		value := contract.Content[i+1]
		switch text := strings.TrimSpace(value.Value); {
		case text == "":
			continue
		case strings.HasPrefix(text, prefixHyperProtect+".") || strings.HasPrefix(text, prefixContract+"."):
			if _, err := parseToken(text); err != nil {
				return nil, fmt.Errorf("line %d: %s: %w", value.Line, name, err)
			}
			encrypted[name] = text
			contract.Content = append(contract.Content[:i:i], contract.Content[i+2:]...)
		default:
			if err := openText(name, value); err != nil {
				return nil, err
			}
		}
	}
	return encrypted, nil
}

func memberIndex(mapping *yaml.Node, name string) int {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == name {
			return i
		}
	}
	return -1
}

// openText replaces a text by the mapping in it. Its lines follow that of the
// member's name.
func openText(name string, node *yaml.Node) error {
	var inner yaml.Node
	if err := yaml.Load([]byte(node.Value), &inner); err != nil {
		return fmt.Errorf("%s, which is a text: %w", name, positionFrom(err, node.Line))
	}
	if len(inner.Content) != 1 || inner.Content[0].Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: %s is a text that holds neither a mapping nor an encrypted section", node.Line, name)
	}
	shift(inner.Content[0], node.Line)
	*node = *inner.Content[0]
	return nil
}

func shift(node *yaml.Node, lines int) {
	node.Line += lines
	for _, child := range node.Content {
		shift(child, lines)
	}
}
