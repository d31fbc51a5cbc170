//go:build stack

package e2e

import (
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
)

// Each of these Dockerfiles crashes Docker Engine 20.10 or the server's parser
// process, or once crashed the server. The build fails, and the engine and the server
// still run the next one.
func TestDockerfilesThatCrashParsers(t *testing.T) {
	env := shared
	v := env.newVendor(t)
	good := v.image("ending/good:1")
	v.push(t, good, "good")
	v.signSigstore(t, good)
	rules := policy(map[string]any{"image": "**", "method": "sigstore", "key": v.pem})
	for _, test := range []struct {
		name, text string
		changes    map[string]any
		problem    string
	}{
		{"arguments only", "ARG V=1\nARG W=2\n", nil, "there is no FROM in it"},
		{"arguments only under a policy", "ARG V=1\n", rules, "there is no FROM in it"},
		{"carriage returns", "ARG V=15-3.5\rFROM x:$V\r", nil, "carriage return alone"},
		{"an escape directive for new builders only", "# check=skip=all\n# escape=`\nARG V=1 \\\nFROM scratch\n", nil, "line 2 is an escape directive"},
		{"a byte order mark before a frontend", "\ufeff# syntax=example.com/f\nARG V=1\n", nil, "there is no FROM in it"},
	} {
		t.Run(test.name, func(t *testing.T) {
			name := "ending-" + strings.ReplaceAll(test.name, " ", "-")
			env.prepare(t, name, files{"Dockerfile": test.text}, test.changes)
			built := env.Build(t)
			if !strings.HasPrefix(built.Status.Status, api.FailureStatus("docker build")) || !strings.Contains(built.Cause, "Dockerfile: ") || !strings.Contains(built.Cause, test.problem) {
				t.Errorf("%q (%s), want that docker build failed with %q", built.Status.Status, built.Cause, test.problem)
			}
			env.NothingLeft(t, env.ImageOf(name))
		})
	}
	// A comment for BuildKit's linter before an instruction once crashed the server.
	env.prepare(t, "ending-linter", files{"Dockerfile": "FROM " + good + "\n# check=skip=all\nLABEL a=b\n"}, rules)
	env.MustBuild(t)
	// So did one in a trigger of a base image. The build may fail.
	commented := v.image("ending/commented:1")
	v.push(t, commented, "commented", "# a comment\n# check=skip=all\nRUN true")
	v.signSigstore(t, commented)
	env.prepare(t, "ending-trigger", files{"Dockerfile": "FROM " + commented + "\n"}, rules)
	env.Build(t)
	env.prepare(t, "ending-after", files{"Dockerfile": "FROM " + good + "\nLABEL a=b\n"}, rules)
	env.MustBuild(t)
	// The default name in lower case, and an ignore file that is a symbolic link.
	env.prepare(t, "ending-lower", files{"dockerfile": "FROM " + good + "\nCOPY . /all\nRUN test ! -e /all/secret\n", "dockerfile.dockerignore@": "ignored", "ignored": "secret\n", "secret": "x"}, rules)
	env.MustBuild(t)
}
