//go:build stack

package state

import (
	"os"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
)

// A damaged file is reported with its name and not changed; everything else is
// served, also after a restart, and the file is used again when it is restored.
func TestDamagedFiles(t *testing.T) {
	env := start(t)
	env.cli(t, "init --env sbs-config.json")
	good, damaged := env.build(t), env.build(t)
	id := env.history(t)[0].ID
	record := env.path("builds", id, "record.json")
	for name, damage := range damagedCopies(t, record) {
		t.Run("record "+name, func(t *testing.T) {
			restore := overwrite(t, record, damage)
			for _, restarted := range []bool{false, true} {
				if restarted {
					env.restart(t)
				}
				if message := env.refusal(t, "get-manifest --env sbs-config.json --build-name "+damaged); !strings.Contains(message, "builds/"+id+"/record.json of the data volume is damaged") {
					t.Errorf("get-manifest: %s", message)
				}
				if history := env.history(t); len(history) != 2 || !strings.Contains(history[0].Problem, "record.json") || history[1].BuildName != good {
					t.Errorf("the history has %+v", history)
				}
				env.checkServed(t, good)
			}
			restore()
			env.checkServed(t, damaged)
			if history := env.history(t); history[0].Problem != "" || history[0].Status != api.StatusSuccess {
				t.Errorf("with the restored record the history has %+v", history[0])
			}
		})
	}
	for name, damage := range damagedCopies(t, env.path("job.json")) {
		if name == "one bit flipped" { // often that is still a valid status
			continue
		}
		t.Run("status "+name, func(t *testing.T) {
			if err := os.WriteFile(env.path("job.json"), damage, 0o600); err != nil {
				t.Fatal(err)
			}
			env.restart(t)
			if status := env.status(t); !strings.Contains(status.Cause, "job.json") {
				t.Errorf("status %+v", status)
			}
			env.checkServed(t, good)
			env.build(t)
		})
	}
	for name, damage := range damagedCopies(t, env.path("sealed", "parameters")) {
		t.Run("parameters "+name, func(t *testing.T) {
			restore := overwrite(t, env.path("sealed", "parameters"), damage)
			env.restart(t)
			const want = "the sealed file sealed/parameters of the data volume does not open: put it back from a backup"
			for _, command := range []string{"build", "init", "update", "get-state-image"} {
				if message := env.refusal(t, command+" --env sbs-config.json"); !strings.Contains(message, want) {
					t.Errorf("%s: %s", command, message)
				}
			}
			if volume := env.status(t).Volume; !strings.Contains(volume, want) {
				t.Errorf("the status of the volume is %q", volume)
			}
			env.checkServed(t, good)
			restore()
			if volume := env.status(t).Volume; volume != "" {
				t.Errorf("with the restored parameters the status of the volume is %q", volume)
			}
			env.build(t)
		})
	}
	for name, damage := range damagedCopies(t, env.path("sealed", "manifest", "key")) {
		if name == "cut short" { // the server handles it like a flipped bit
			continue
		}
		t.Run("key "+name, func(t *testing.T) {
			restore := overwrite(t, env.path("sealed", "manifest", "key"), damage)
			env.restart(t)
			if status := env.buildFails(t); !strings.Contains(status.Cause, "sealed/manifest/key of the data volume does not open") {
				t.Errorf("status %+v", status)
			}
			if message := env.refusal(t, "get-state-image --env sbs-config.json"); !strings.Contains(message, "sealed/manifest/key") {
				t.Errorf("get-state-image: %s", message)
			}
			env.checkServed(t, good)
			restore()
			env.checkServed(t, env.build(t))
		})
	}
}

func (env *environment) restart(t testing.TB) {
	t.Helper()
	if err := env.Server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
}
