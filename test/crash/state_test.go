//go:build stack

package crash

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/client"
	"github.com/opensbs/sbs/test/kit"
)

// newImage makes builds push to a new repository, with other keys, until the test ends.
func (env *environment) newImage(t testing.TB) {
	t.Helper()
	env.images++
	public := env.public
	env.public = nil
	kit.Configure(t, env.Dir(), map[string]any{"DOCKER_REPO": fmt.Sprintf("%s-%d", imageName, env.images)})
	t.Cleanup(func() {
		env.public = public
		kit.Configure(t, env.Dir(), map[string]any{"DOCKER_REPO": imageName})
	})
}

// beginImport returns the import of the server's state to a new server, with parameters
// or without.
func (env *environment) beginImport(t testing.TB, random *rand.Rand) task {
	t.Helper()
	exported, err := env.Client.StateImage(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	original := env.unsealed(t, env.content(t))
	env.useNewVolume(t)
	if random.IntN(2) == 0 {
		if _, err := env.Client.Init(t.Context(), env.parameters(t, nil)); err != nil {
			t.Fatal(err)
		}
	}
	state := api.StateImport{Secret: api.Secret(env.secret(t)), State: exported.State}
	post := func(ctx context.Context) error {
		_, err := env.Client.ImportState(ctx, state)
		return err
	}
	return task{run: post, check: func(t testing.TB, k killed) string { return env.checkImport(t, k, original, post) }}
}

// checkImport checks that the volume has exactly the old state or the new one. A second
// import must change the old one to the new one, and must not change the new one.
func (env *environment) checkImport(t testing.TB, k killed, original content, post func(context.Context) error) string {
	t.Helper()
	raw := env.content(t)
	ending := "new state"
	if len(env.unsealed(t, raw).keys()) == 0 {
		ending = "old state"
		checkEqual(t, "after an import that did not happen", raw, k.raw.before)
		if k.clientErr == nil {
			t.Error("the import succeeded, but did not happen")
		}
	}
	first := env.unsealed(t, raw)
	if err := post(t.Context()); err != nil {
		t.Error(err)
	}
	again := env.unsealed(t, env.content(t))
	if ending == "new state" {
		checkEqual(t, "after the same import again", again, first)
	}
	checkEqual(t, "the keys", again.keys(), original.keys())
	checkHistory(t, again, original)
	if _, err := env.Client.Update(t.Context(), env.parameters(t, nil)); err != nil {
		t.Error(err)
	}
	env.mustBuild(t)
	return ending
}

// checkHistory fails when a successful build of want is missing or different in got.
func checkHistory(t testing.TB, got, want content) {
	t.Helper()
	for file := range want {
		id, isRecord := strings.CutSuffix(strings.TrimPrefix(file, "builds/"), "/record.json")
		exported, ok := want.record(id)
		if !isRecord || !ok || exported.Status != api.StatusSuccess {
			continue
		}
		if imported, ok := got.record(id); !ok || !reflect.DeepEqual(imported, exported) {
			t.Errorf("%s is not the one that was exported", file)
		}
		if key := "builds/" + id + "/public.pem"; got[key] != want[key] {
			t.Errorf("%s is not the one that was exported", key)
		}
	}
}

// beginRotation returns update --new-secret.
func (env *environment) beginRotation(t testing.TB, _ *rand.Rand) task {
	t.Helper()
	old := env.secret(t)
	return task{
		run: func(ctx context.Context) error {
			_, err := run(ctx, nil, env.Programs.ClientBinary, "update", "--env", kit.ConfigName, "--new-secret")
			return err
		},
		check: func(t testing.TB, k killed) string { return env.checkRotation(t, k, old) },
	}
}

// checkRotation checks that the server accepts exactly one of the two secrets, and that
// another update of the client repairs the rotation.
func (env *environment) checkRotation(t testing.TB, k killed, old string) string {
	t.Helper()
	secrets := []string{old}
	if pending := env.pending(t); pending != "" {
		secrets = append(secrets, pending)
	} else if now := env.secret(t); now != old {
		secrets = append(secrets, now)
	}
	var accepted []string
	for _, secret := range secrets {
		if env.accepts(t, secret) {
			accepted = append(accepted, secret)
		}
	}
	if len(accepted) != 1 {
		t.Errorf("the server accepts %d of %d secrets, want one", len(accepted), len(secrets))
	}
	ending := "new secret"
	if len(accepted) > 0 && accepted[0] == old {
		ending = "old secret"
	}
	if k.clientErr == nil && (env.secret(t) == old || ending == "old secret") {
		t.Errorf("update --new-secret succeeded, but the server accepts the %s", ending)
	}
	if _, err := run(t.Context(), nil, env.Programs.ClientBinary, "update", "--env", kit.ConfigName); err != nil {
		t.Error(err)
	}
	if pending := env.pending(t); pending != "" || !env.accepts(t, env.secret(t)) {
		t.Error("the client could not repair the rotation")
	}
	if env.secret(t) != old && env.accepts(t, old) {
		t.Error("the server still accepts the old secret")
	}
	env.mustBuild(t)
	return ending
}

// pending returns the secret of a rotation whose outcome the client does not know.
func (env *environment) pending(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(kit.ConfigName + ".new-secret")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// accepts reports whether the server accepts parameters with that secret.
func (env *environment) accepts(t testing.TB, secret string) bool {
	t.Helper()
	_, err := env.Client.Update(t.Context(), env.parameters(t, map[string]any{"SECRET": secret}))
	var refused *client.Error
	if errors.As(err, &refused) && refused.Code == api.CodeForbidden {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	return true
}
