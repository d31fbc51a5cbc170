//go:build stack

package e2e

import (
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
)

// With SBOM_INCOMPLETE set to fail, a build fails in the SBOM step if a package
// database can't be read, and the log has the name of the file.
func TestUnreadableDistributionFailsTheBuild(t *testing.T) {
	env := shared
	env.prepare(t, "unreadable", files{
		"Dockerfile": "FROM scratch\nCOPY status /var/lib/dpkg/status\n",
		"status":     "\x01 this\nis not: it\n: \n",
	}, map[string]any{"SBOM_INCOMPLETE": "fail"})
	built := env.Build(t)
	if !strings.Contains(built.Status.Status, "docker sbom") || !strings.Contains(built.Cause, "1 files could not be read") {
		t.Errorf("the build ended with %q (%s)", built.Status.Status, built.Cause)
	}
	if !strings.Contains(built.Log(), "/var/lib/dpkg/status") {
		t.Errorf("the log does not name the file: %s", built.Log())
	}
	if record := env.record(t); len(record.Attestations) != 0 || record.Steps[api.StatusImagePushed].After(record.Started) {
		t.Errorf("the record of the failed build has %+v, %v", record.Attestations, record.Steps)
	}
	if left := env.Images(t, env.ImageOf("unreadable")); len(left) != 0 {
		t.Errorf("the engine still has %q", left)
	}
}

// By default a file that no parser can read does not fail the build: the SBOM and the
// log have its name.
func TestUnreadableFileIsNamed(t *testing.T) {
	env := shared
	env.prepare(t, "oddfile", files{
		"Dockerfile": "FROM scratch\nCOPY broken.jar /app/broken.jar\nCOPY status /var/lib/dpkg/status\n",
		"status":     "\x01 this\nis not: it\n: \n",
		"broken.jar": strings.Repeat("PK\x03\x04 this is no archive ", 10),
	}, nil)
	built := env.MustBuild(t)
	document := read(t, env.unpackManifest(t, built.BuildName), "data", "sbom.spdx.json")
	for what, text := range map[string]string{"the SBOM": document, "the log": built.Log()} {
		for _, name := range []string{"/app/broken.jar", "/var/lib/dpkg/status"} {
			if !strings.Contains(text, name) {
				t.Errorf("%s does not name %s: %s", what, name, text)
			}
		}
	}
}
