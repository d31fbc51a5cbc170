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

// newImage lets the next builds push to a repository of their own, and be
// signed with keys of their own, until the test ends.
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

// beginImport is the import of the standing server's state into a new one, with
// parameters or without.
func (env *environment) beginImport(t testing.TB, random *rand.Rand) task {
	t.Helper()
	exported, err := env.Client.StateImage(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	standing := env.opened(t, env.content(t))
	env.elsewhere(t)
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
	return task{run: post, check: func(t testing.TB, k killed) string { return env.checkImport(t, k, standing, post) }}
}

// checkImport finds the old state or the new one, to the byte: importing once
// more makes the old one new, and changes nothing in the new one.
func (env *environment) checkImport(t testing.TB, k killed, standing content, post func(context.Context) error) string {
	t.Helper()
	raw := env.content(t)
	ending := "new state"
	if len(env.opened(t, raw).keys()) == 0 {
		ending = "old state"
		same(t, "after an import that did not happen", raw, k.raw.before)
		if k.answer == nil {
			t.Error("the import was answered with OK, and did not happen")
		}
	}
	first := env.opened(t, raw)
	if err := post(t.Context()); err != nil {
		t.Error(err)
	}
	again := env.opened(t, env.content(t))
	if ending == "new state" {
		same(t, "after the same import again", again, first)
	}
	same(t, "the keys", again.keys(), standing.keys())
	sameHistory(t, again, standing)
	if _, err := env.Client.Update(t.Context(), env.parameters(t, nil)); err != nil {
		t.Error(err)
	}
	env.succeeds(t)
	return ending
}

// sameHistory fails when a success is not there, or another one.
func sameHistory(t testing.TB, got, want content) {
	t.Helper()
	for file := range want {
		id, isRecord := strings.CutSuffix(strings.TrimPrefix(file, "builds/"), "/record.json")
		there, ok := want.record(id)
		if !isRecord || !ok || there.Status != api.StatusSuccess {
			continue
		}
		if here, ok := got.record(id); !ok || !reflect.DeepEqual(here, there) {
			t.Errorf("%s is not the one that was exported", file)
		}
		if key := "builds/" + id + "/public.pem"; got[key] != want[key] {
			t.Errorf("%s is not the one that was exported", key)
		}
	}
}

// beginRotation is update --new-secret.
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

// checkRotation finds that the server takes one of the two secrets and not the
// other; the client's way of repair is to update once more.
func (env *environment) checkRotation(t testing.TB, k killed, old string) string {
	t.Helper()
	secrets := []string{old}
	if pending := env.pending(t); pending != "" {
		secrets = append(secrets, pending)
	} else if now := env.secret(t); now != old {
		secrets = append(secrets, now)
	}
	var taken []string
	for _, secret := range secrets {
		if env.takes(t, secret) {
			taken = append(taken, secret)
		}
	}
	if len(taken) != 1 {
		t.Errorf("the server takes %d of %d secrets, want one", len(taken), len(secrets))
	}
	ending := "new secret"
	if len(taken) > 0 && taken[0] == old {
		ending = "old secret"
	}
	if k.answer == nil && (env.secret(t) == old || ending == "old secret") {
		t.Errorf("update --new-secret has succeeded, and the server takes the %s", ending)
	}
	if _, err := run(t.Context(), nil, env.Programs.ClientBinary, "update", "--env", kit.ConfigName); err != nil {
		t.Error(err)
	}
	if pending := env.pending(t); pending != "" || !env.takes(t, env.secret(t)) {
		t.Error("the client could not repair the rotation")
	}
	if env.secret(t) != old && env.takes(t, old) {
		t.Error("the server takes the old secret, too")
	}
	env.succeeds(t)
	return ending
}

// pending is the secret of a rotation whose outcome the client does not know.
func (env *environment) pending(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(kit.ConfigName + ".new-secret")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// takes tells whether the server takes parameters with that secret.
func (env *environment) takes(t testing.TB, secret string) bool {
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
