//go:build stack

package state

import (
	"os"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
)

// Files that the disk has spoiled are named and left alone; everything else is
// served, over a restart too, and the server goes on when they are back.
func TestDamagedFiles(t *testing.T) {
	env := start(t)
	env.guide(t, "init --env sbs-config.json")
	good, spoiled := env.build(t), env.build(t)
	id := env.history(t)[0].ID
	record := env.path("builds", id, "record.json")
	for name, damage := range damages(t, record) {
		t.Run("record "+name, func(t *testing.T) {
			restore := overwrite(t, record, damage)
			for _, restarted := range []bool{false, true} {
				if restarted {
					env.restart(t)
				}
				if said := env.refused(t, "get-manifest --env sbs-config.json --build-name "+spoiled); !strings.Contains(said, "builds/"+id+"/record.json of the data volume is damaged") {
					t.Errorf("get-manifest: %s", said)
				}
				if history := env.history(t); len(history) != 2 || !strings.Contains(history[0].Problem, "record.json") || history[1].BuildName != good {
					t.Errorf("the history says %+v", history)
				}
				env.serves(t, good)
			}
			restore()
			env.serves(t, spoiled)
			if history := env.history(t); history[0].Problem != "" || history[0].Status != api.StatusSuccess {
				t.Errorf("mended, the history says %+v", history[0])
			}
		})
	}
	for name, damage := range damages(t, env.path("job.json")) {
		if name == "one bit flipped" { // that is often still a status; it matters to nobody else
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
			env.serves(t, good)
			env.build(t)
		})
	}
	for name, damage := range damages(t, env.path("sealed", "parameters")) {
		t.Run("parameters "+name, func(t *testing.T) {
			restore := overwrite(t, env.path("sealed", "parameters"), damage)
			env.restart(t)
			const says = "the sealed file sealed/parameters of the data volume does not open: put it back from a backup"
			for _, command := range []string{"build", "init", "update", "get-state-image"} {
				if said := env.refused(t, command+" --env sbs-config.json"); !strings.Contains(said, says) {
					t.Errorf("%s: %s", command, said)
				}
			}
			if volume := env.status(t).Volume; !strings.Contains(volume, says) {
				t.Errorf("the status says of the volume: %q", volume)
			}
			env.serves(t, good)
			restore()
			if volume := env.status(t).Volume; volume != "" {
				t.Errorf("mended, the status says of the volume: %q", volume)
			}
			env.build(t)
		})
	}
	for name, damage := range damages(t, env.path("sealed", "manifest", "key")) {
		if name == "cut short" { // that is told from a flipped bit nowhere
			continue
		}
		t.Run("key "+name, func(t *testing.T) {
			restore := overwrite(t, env.path("sealed", "manifest", "key"), damage)
			env.restart(t)
			if status := env.fails(t); !strings.Contains(status.Cause, "sealed/manifest/key of the data volume does not open") {
				t.Errorf("status %+v", status)
			}
			if said := env.refused(t, "get-state-image --env sbs-config.json"); !strings.Contains(said, "sealed/manifest/key") {
				t.Errorf("get-state-image: %s", said)
			}
			env.serves(t, good)
			restore()
			env.serves(t, env.build(t))
		})
	}
}

func (env *environment) restart(t testing.TB) {
	t.Helper()
	if err := env.Server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
}
