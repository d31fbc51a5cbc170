package dockerfile

// Finding the image references in the instructions. Only the raw syntax tree is
// read: instructions, flags and words, which is all that the parsers of different
// versions have in common.

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/command"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// scratch is the name of no image.
const scratch = "scratch"

// imageRef is a reference to an image or, in FROM, to a stage.
type imageRef struct {
	Image
	external bool
	node     *parser.Node // of the instruction; nil where nothing can be rewritten
	token    string       // the word or flag that holds the name
	before   string       // the parts of the token before the name and after it
	after    string
	literal  bool // the name is written without variables
}

// fixed returns a reference that cannot be rewritten.
func fixed(name, how string, line int) imageRef {
	return imageRef{Image: Image{Name: name, How: how, Line: line}, external: true, literal: true}
}

// with returns the token with another name in it.
func (p imageRef) with(name string) string { return p.before + name + p.after }

// reader reads the instructions in order.
type reader struct {
	lex    *shell.Lex
	args   shell.EnvGetter
	stages map[string]bool // names of the stages before this one, in lower case
	stage  string          // the name of this one, or empty
	count  int             // stages so far, with the current one
	refs   []imageRef
}

func newReader(escape rune, env Environment, lastStage string, globals []instructions.ArgCommand) (*reader, error) {
	lex := shell.NewLex(escape)
	args, err := globalArgs(lex, env, lastStage, globals)
	if err != nil {
		return nil, err
	}
	return &reader{lex: lex, args: args, stages: map[string]bool{}}, nil
}

func (r *reader) instruction(node *parser.Node) error {
	switch strings.ToLower(node.Value) {
	case command.From:
		return r.from(node)
	case command.Onbuild:
		return r.trigger(node)
	}
	return r.flags(node)
}

// from reads FROM [--platform=p] name [AS stage]. A stage is not known to itself:
// the classic builder takes its name for an image's there.
func (r *reader) from(node *parser.Node) error {
	words, err := fromWords(node)
	if err != nil {
		return err
	}
	if r.stage != "" {
		r.stages[r.stage] = true
	}
	r.stage = ""
	if len(words) == 3 {
		r.stage = strings.ToLower(words[2])
	}
	r.count++
	name, _, err := r.lex.ProcessWord(words[0], r.args)
	if err != nil {
		return err
	}
	if name == "" {
		return fmt.Errorf("the name of the base image, %s, is empty once its arguments are put in", words[0])
	}
	p := imageRef{Image: Image{Name: name, How: ByFrom, Line: node.StartLine}, node: node, token: words[0]}
	for _, flag := range node.Flags {
		if platform, ok := strings.CutPrefix(flag, "--platform="); ok {
			if p.Platform, _, err = r.lex.ProcessWord(platform, r.args); err != nil {
				return err
			}
		}
	}
	if r.stages[strings.ToLower(name)] {
		p.Name = strings.ToLower(name)
	} else {
		p.external = name != scratch
	}
	p.literal = p.Name == words[0]
	r.refs = append(r.refs, p)
	return nil
}

var errFrom = errors.New("FROM takes the name of an image, and AS and the name of the stage at most")

func fromWords(node *parser.Node) ([]string, error) {
	var words []string
	for word := node.Next; word != nil; word = word.Next {
		words = append(words, word.Value)
	}
	alone := len(words) == 1 && words[0] != ""
	named := len(words) == 3 && strings.EqualFold(words[1], "as")
	if !alone && !named {
		return nil, errFrom
	}
	return words, nil
}

// flags reads --from of COPY and --mount of RUN. Other instructions have
// neither in any version, so there is no need to distinguish them.
func (r *reader) flags(node *parser.Node) error {
	for _, flag := range node.Flags {
		if name, ok := strings.CutPrefix(flag, "--from="); ok {
			if err := r.copied(node, flag, name); err != nil {
				return err
			}
		}
		if options, ok := strings.CutPrefix(flag, "--mount="); ok {
			if err := r.mounted(node, flag, options); err != nil {
				return err
			}
		}
	}
	return nil
}

// copied reads COPY --from=name. A number is that of an earlier stage.
func (r *reader) copied(node *parser.Node, flag, name string) error {
	if index, err := strconv.Atoi(name); err == nil {
		if index < 0 || index >= r.count-1 {
			return fmt.Errorf("%s: there is no such stage before it", flag)
		}
		return nil
	}
	r.addFrom(imageRef{Image: Image{Name: name, How: ByCopy}, node: node, token: flag, before: "--from="})
	return nil
}

// mounted reads RUN --mount=type=bind,from=name,…: fields of CSV. Here a number
// is no stage.
func (r *reader) mounted(node *parser.Node, flag, options string) error {
	if strings.Contains(options, `"`) {
		return fmt.Errorf("%s: write the mount without quotes", flag)
	}
	found := false
	end := len(flag) - len(options) - 1
	for _, field := range strings.Split(options, ",") {
		start := end + 1
		end = start + len(field)
		key, name, given := strings.Cut(field, "=")
		if !strings.EqualFold(key, "from") {
			continue
		}
		if !given {
			return fmt.Errorf("%s: from has no value", flag)
		}
		if found {
			return fmt.Errorf("%s: from is there twice", flag)
		}
		found = true
		r.addFrom(imageRef{
			Image: Image{Name: name, How: ByMount}, node: node, token: flag,
			before: flag[:start+len("from=")], after: flag[end:],
		})
	}
	return nil
}

// addFrom adds the source of COPY --from or RUN --mount unless it is a stage. Names
// have no arguments here.
func (r *reader) addFrom(p imageRef) {
	if p.Name == "" || p.Name == scratch || r.stages[strings.ToLower(p.Name)] {
		return
	}
	p.Line, p.external, p.literal = p.node.StartLine, true, true
	r.refs = append(r.refs, p)
}

// trigger reads ONBUILD. Its instruction is run in builds to come, and in this
// one when a later stage starts from this stage; so a name in it never counts as
// that of a stage here, and it is not rewritten.
func (r *reader) trigger(node *parser.Node) error {
	if node.Next == nil || len(node.Next.Children) == 0 {
		return nil
	}
	within := &reader{lex: r.lex, args: r.args, stages: map[string]bool{}, count: math.MaxInt}
	inner := *node.Next.Children[0]
	inner.StartLine = node.StartLine
	if err := within.instruction(&inner); err != nil {
		return err
	}
	for _, p := range within.refs {
		r.refs = append(r.refs, fixed(p.Name, ByTrigger, node.StartLine))
	}
	return nil
}
