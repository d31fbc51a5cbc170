//go:build stack

package repositories

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opensbs/sbs/test/harness/gitserver"
	"github.com/opensbs/sbs/test/kit"
)

// probe is a script that a step runs to find what it can reach. It prints a line that
// begins with "reached" for each finding.
const probe = `
reached() { echo "reached $*"; }
env; cat /proc/1/environ | tr '\0' '\n'
for path in /var/run/docker.sock /run/docker.sock /run/containerd /run/buildkit /run/secrets /run/buildkit/ssh_agent.0 /var/lib/docker /data /var/hyperprotect "$1" "$2"; do
	test -e "$path" && reached "$path"
done
nc -w 1 127.0.0.1 "$3" </dev/null && reached the port of the server
nc -w 1 "${4%:*}" "${4#*:}" </dev/null && reached the port of its health
cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' '\n' | grep -E '^[^ ]*(sbs-server|dockerd|containerd)$' && reached another process
mount -t tmpfs none /mnt 2>/dev/null && reached a mount
mknod /tmp/disk b 254 0 2>/dev/null && head -c 1 /tmp/disk >/dev/null 2>&1 && reached the disk
(echo 1 > /proc/sys/vm/drop_caches) 2>/dev/null && reached the settings of the kernel
(echo 1 > /sys/kernel/profiling) 2>/dev/null && reached /sys
nsenter -t 1 -n true 2>/dev/null && test "$(ls /sys/class/net | wc -l)" -gt 3 && reached another network
dmesg >/dev/null 2>&1 && reached the log of the kernel
echo the probe is complete
`

// step is a test case: a Dockerfile in a repository with other files.
type step struct {
	name       string
	dockerfile string
	others     files
	refused    string                   // part of the cause; empty when the build must succeed
	check      func(*testing.T, result) // checks more of the result; may be nil
}

// A Dockerfile reaches nothing outside of its container and context, and takes no more
// than the server's bounds allow.
func TestSteps(t *testing.T) {
	env := shared
	server, err := url.Parse(env.Server.URL())
	if err != nil {
		t.Fatal(err)
	}
	from := "FROM " + env.BaseImage + "\n"
	before := env.memory(t, "VmRSS")
	for _, s := range []step{
		{"explores its surroundings", from + "COPY probe.sh /\n" + fmt.Sprintf("RUN sh /probe.sh %q %q %s %s\n", env.Server.Volume(), env.Server.Enclave(), server.Port(), env.health),
			files{"probe.sh": text(probe)}, "", env.checkProbe},
		{"context above", from + "COPY ../../../../../../../../etc/passwd /x\n", nil, "no such file", nil},
		{"folder above", from + "COPY a/../../data /x\n", nil, "not found", nil},
		{"context by link", from + "COPY out/sbs-config.json /x\n", files{"out": link(env.Dir())}, "not found", nil},
		{"mount above", from + "RUN --mount=target=/x,source=../../.. ls -R /x && test ! -e /x/builds\n", nil, "", nil},
		{"file by URL", from + "ADD file:///etc/passwd /x\n", nil, "no such file", nil},
		{"port of the server", from + "ADD " + env.Server.URL() + "/image /x\n", nil, "x509", nil},
		{"health port", from + "ADD http://" + env.health + "/metrics /x\n", nil, "404", nil},
		{"image of another build", "FROM " + strings.Repeat("0a", 32) + "\n", nil, "64-byte hexadecimal", nil},
		{"daemon", from + "RUN (setsid sleep 86391.5 </dev/null >/dev/null 2>&1 &) && true\n", nil, "", func(t *testing.T, _ result) {
			if kit.ProcessRuns(t, "86391.5") {
				t.Error("a process that the step started still runs")
			}
		}},
		{"flood", from + "RUN yes 'a line of a flood' | head -c 1000000 > /m && for i in $(seq 1000); do cat /m; done\n", nil, "", func(t *testing.T, r result) {
			if len(r.log) > 65<<20 {
				t.Errorf("the log has %d bytes", len(r.log))
			}
		}},
		{"one line of 20 MB", from + "RUN head -c 20000000 /dev/zero | tr '\\0' x\n", nil, "", nil},
		{"Dockerfile above the limit", from + strings.Repeat("# "+strings.Repeat("-", 1000)+"\n", 5000), nil, "at most 4194304 are allowed", nil},
		{"Dockerfile below the limit", from + strings.Repeat("# "+strings.Repeat("-", 1000)+"\n", 4000), nil, "", nil},
		{"thousand settings", from + strings.Repeat("ENV A=1\n", 1000), nil, "", nil},
		{"too many layers", "FROM scratch\n" + strings.Repeat("COPY Dockerfile /x\n", 130), nil, "max depth exceeded", nil},
		{"costly ignore file", from + "COPY . /x\n", costlyIgnoreFile(), "", nil},
	} {
		t.Run(s.name, func(t *testing.T) {
			name := "step-" + strings.ReplaceAll(strings.ToLower(s.name), " ", "-")
			content := files{"Dockerfile": text(s.dockerfile)}
			for path, file := range s.others {
				content[path] = file
			}
			env.repository(t, name).add(content)
			built := env.build(t, name, nil)
			if s.refused == "" {
				built.mustSucceed(t)
			} else {
				built.mustFail(t, s.refused)
			}
			if s.check != nil {
				s.check(t, built)
			}
		})
	}
	if peak := env.memory(t, "VmHWM"); peak > before+200<<20 {
		t.Errorf("the server's memory grew to %d MB from %d MB", peak>>20, before>>20)
	}
}

// costlyIgnoreFile returns an ignore file whose patterns take long to match, and files
// to match.
func costlyIgnoreFile() files {
	content := files{}
	for i := range 100 {
		content[fmt.Sprintf("d%d/e/f", i)] = text("x")
	}
	var ignore strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&ignore, "**/*a*b*c*d*%d*/**/x?\n!**/[a-z]*%d\n", i, i)
	}
	content[".dockerignore"] = gitserver.File{Content: ignore.String()}
	return content
}

// checkProbe checks the output of the probe: it reached nothing, and found no secret.
func (env *environment) checkProbe(t *testing.T, r result) {
	if !strings.Contains(r.log, "the probe is complete") {
		t.Errorf("the probe did not complete:\n%s", tail(r.log))
	}
	for line := range strings.Lines(r.log) {
		if strings.Contains(line, " reached ") && !strings.Contains(line, "RUN") {
			t.Errorf("the probe prints: %s", line)
		}
	}
	secrets := []string{planted, "SBS_", "SERVER_KEY", filepath.Base(env.Dir()) + "/parts"}
	for key, value := range env.Given {
		if secret, ok := value.(string); ok && (strings.Contains(key, "PASSWORD") || strings.Contains(key, "SECRET") || key == "GITHUB_KEY") {
			secrets = append(secrets, strings.TrimSpace(secret))
		}
	}
	for _, secret := range secrets {
		for line := range strings.Lines(r.log) {
			if strings.Contains(line, secret) && !strings.Contains(line, "RUN sh /probe.sh") {
				t.Errorf("the probe found %q: %s", secret, line)
			}
		}
	}
}
