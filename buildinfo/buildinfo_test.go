package buildinfo

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
)

func TestVersionOfABuild(t *testing.T) {
	setting := func(key, value string) debug.BuildSetting { return debug.BuildSetting{Key: key, Value: value} }
	for _, test := range []struct {
		info debug.BuildInfo
		want string
	}{
		{debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}, Settings: []debug.BuildSetting{setting("vcs.revision", "0a0a")}}, "v1.2.3"},
		{debug.BuildInfo{Main: debug.Module{Version: "(devel)"}, Settings: []debug.BuildSetting{setting("vcs.revision", "0a0a"), setting("vcs.modified", "false")}}, "0a0a"},
		{debug.BuildInfo{Settings: []debug.BuildSetting{setting("vcs.revision", "0a0a"), setting("vcs.modified", "true")}}, "0a0a-dirty"},
		{debug.BuildInfo{}, "development"},
	} {
		if got := of(&test.info); got != test.want {
			t.Errorf("%+v is %q, want %q", test.info, got, test.want)
		}
	}
	if got := Version("v9"); got != "v9" {
		t.Errorf("the linker's version is %q", got)
	}
}

// The linker is silent about a variable that does not exist.
func TestTheLinkerReachesBothPrograms(t *testing.T) {
	for _, name := range []string{"sbs-cli", "sbs-server"} {
		t.Run(name, func(t *testing.T) {
			program := filepath.Join(t.TempDir(), name)
			build := exec.Command("go", "build", "-ldflags", "-s -w -X main.version=v0.0.1-linked", "-o", program, "../cmd/"+name)
			build.Env = append(os.Environ(), "CGO_ENABLED=0")
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			for _, argument := range []string{"version", "--version"} {
				out, err := exec.Command(program, argument).Output()
				if err != nil || !strings.HasPrefix(string(out), name+" ") || !strings.HasSuffix(string(out), "v0.0.1-linked\n") {
					t.Errorf("%s %s prints %q, %v", name, argument, out, err)
				}
			}
		})
	}
}
