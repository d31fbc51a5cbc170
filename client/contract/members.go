package contract

// What members a contract.yaml may have, out of the types that it is read into.

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// maxNodes bounds a contract.yaml with everything it refers to, and the aliases in
// it followed.
const maxNodes = 100_000

// members checks the names and the kinds of values. The YAML library would quote
// the values in its errors, and they may be secrets.
type members struct{ seen int }

// check makes sure that node can be read into t. at is the member that node is the
// value of, such as workload.volumes.
func (m *members) check(node *yaml.Node, t reflect.Type, at string) error {
	if m.seen++; m.seen > maxNodes {
		return fmt.Errorf("line %d: more than %d values, aliases followed", node.Line, maxNodes)
	}
	if node.Kind == yaml.AliasNode {
		return m.check(node.Alias, t, at)
	}
	if node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null" {
		return nil
	}
	if t == passedOn {
		return m.passed(node)
	}
	switch t.Kind() {
	case reflect.Pointer:
		return m.check(node, t.Elem(), at)
	case reflect.Struct:
		return m.mapping(node, at, fieldsOf(t))
	case reflect.Map:
		return m.mapping(node, at, func(string) (reflect.Type, []string) { return t.Elem(), nil })
	case reflect.Slice:
		return m.list(node, t.Elem(), at)
	case reflect.String:
		if node.Kind != yaml.ScalarNode {
			return wrongKind(node, at, "a text")
		}
	default:
		number := reflect.New(t)
		if node.Kind != yaml.ScalarNode || node.Load(number.Interface()) != nil {
			return wrongKind(node, at, "a whole number that is not too large")
		}
	}
	return nil
}

// passedOn is the type of what is passed on as it is.
var passedOn = reflect.TypeFor[yaml.Node]()

// passed follows the aliases of what is passed on: what they name is left.
func (m *members) passed(node *yaml.Node) error {
	node.Anchor = ""
	for i := range node.Content {
		follow(&node.Content[i])
		if err := m.check(node.Content[i], passedOn, ""); err != nil {
			return err
		}
	}
	return nil
}

// follow replaces an alias by a copy of its target.
func follow(node **yaml.Node) {
	for (*node).Kind == yaml.AliasNode {
		named := *(*node).Alias
		named.Content = slices.Clone(named.Content)
		*node = &named
	}
}

// mapping checks the members of a mapping. member returns the type of the one of a
// name, or nil and the names that there are.
func (m *members) mapping(node *yaml.Node, at string, member func(string) (reflect.Type, []string)) error {
	if node.Kind != yaml.MappingNode {
		return wrongKind(node, at, "a mapping of names to values")
	}
	given := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if key.ShortTag() == "!!merge" {
			if err := m.merged(value, at, member); err != nil {
				return err
			}
			continue
		}
		inner := join(at, key.Value)
		if key.Kind != yaml.ScalarNode {
			return fmt.Errorf("line %d: %s: a name is not a text", key.Line, shown(at))
		}
		if given[key.Value] {
			return fmt.Errorf("line %d: %s is given twice", key.Line, inner)
		}
		given[key.Value] = true
		t, known := member(key.Value)
		if t == nil {
			return fmt.Errorf("line %d: there is no %s: %s takes %s", key.Line, inner, shown(at), strings.Join(known, ", "))
		}
		if t == passedOn {
			follow(&node.Content[i+1])
			value = node.Content[i+1]
		}
		if err := m.check(value, t, inner); err != nil {
			return err
		}
	}
	return nil
}

// merged checks the mapping, or the mappings, that << brings in.
func (m *members) merged(node *yaml.Node, at string, member func(string) (reflect.Type, []string)) error {
	if m.seen++; m.seen > maxNodes {
		return fmt.Errorf("line %d: more than %d values, aliases followed", node.Line, maxNodes)
	}
	switch node.Kind {
	case yaml.AliasNode:
		return m.merged(node.Alias, at, member)
	case yaml.SequenceNode:
		for _, one := range node.Content {
			if err := m.merged(one, at, member); err != nil {
				return err
			}
		}
		return nil
	}
	return m.mapping(node, at, member)
}

func (m *members) list(node *yaml.Node, t reflect.Type, at string) error {
	if node.Kind != yaml.SequenceNode {
		return wrongKind(node, at, "a list")
	}
	for i := range node.Content {
		if t == passedOn {
			follow(&node.Content[i])
		}
		if err := m.check(node.Content[i], t, fmt.Sprintf("%s[%d]", at, i)); err != nil {
			return err
		}
	}
	return nil
}

// fieldsOf returns the members of a struct by the names in its yaml tags.
func fieldsOf(t reflect.Type) func(string) (reflect.Type, []string) {
	types := map[string]reflect.Type{}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		if name != "" && name != "-" {
			types[name] = t.Field(i).Type
		}
	}
	return func(name string) (reflect.Type, []string) { return types[name], slices.Sorted(maps.Keys(types)) }
}

func wrongKind(node *yaml.Node, at, takes string) error {
	is := map[yaml.Kind]string{yaml.MappingNode: "a mapping", yaml.SequenceNode: "a list", yaml.ScalarNode: "a text or a number"}[node.Kind]
	return fmt.Errorf("line %d: %s is %s: it takes %s", node.Line, shown(at), is, takes)
}

func join(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

func shown(at string) string {
	if at == "" {
		return "the contract"
	}
	return at
}
