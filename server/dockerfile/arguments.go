package dockerfile

// Names of images may hold arguments: those of the build, the defaults of the
// ARG instructions before the first FROM, and the platform.

import (
	"cmp"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// globalArgs are the arguments that FROM sees, evaluated as BuildKit does
// (frontend/dockerfile/dockerfile2llb, buildMetaArgs): in order, and a default
// counts only where the build gives no value.
func globalArgs(lex *shell.Lex, env Environment, lastStage string, globals []instructions.ArgCommand) (shell.EnvGetter, error) {
	var known []string
	set := func(name, value string) {
		if given, ok := env.Args[name]; ok {
			value = given
		}
		known = append(known, name+"="+value)
	}
	platform := env.OS + "/" + env.Arch
	if env.OS == "" {
		platform = ""
	}
	for _, predefined := range [][2]string{
		{"BUILDPLATFORM", platform}, {"BUILDOS", env.OS}, {"BUILDOSVERSION", ""}, {"BUILDARCH", env.Arch}, {"BUILDVARIANT", ""},
		{"TARGETPLATFORM", platform}, {"TARGETOS", env.OS}, {"TARGETOSVERSION", ""}, {"TARGETARCH", env.Arch}, {"TARGETVARIANT", ""},
		{"TARGETSTAGE", cmp.Or(lastStage, "default")},
	} {
		set(predefined[0], predefined[1])
	}
	for _, instruction := range globals {
		for _, arg := range instruction.Args {
			if _, given := env.Args[arg.Key]; given {
				set(arg.Key, "")
				continue
			}
			if arg.Value == nil {
				continue
			}
			value, _, err := lex.ProcessWord(*arg.Value, shell.EnvsFromSlice(known))
			if err != nil {
				return nil, err
			}
			set(arg.Key, value)
		}
	}
	return shell.EnvsFromSlice(known), nil
}
