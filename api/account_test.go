package api

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
)

func TestPullAccounts(t *testing.T) {
	push := RegistryAccount{"push.example.com", "pusher", "push-word"}
	base := RegistryAccount{"base.example.com", "puller", "pull-word"}
	for name, test := range map[string]struct {
		baseHost, baseUser string
		want               []RegistryAccount
	}{
		"no account for base images": {"", "", []RegistryAccount{push}},
		"two registries":             {base.Host, base.User, []RegistryAccount{push, base}},
		"one registry":               {push.Host, base.User, []RegistryAccount{{push.Host, base.User, base.Password}}},
		"Docker Hub":                 {"", base.User, []RegistryAccount{push, {"docker.io", base.User, base.Password}}},
	} {
		p := Parameters{PushServer: push.Host, DockerUser: push.User, DockerPassword: push.Password, BaseServer: test.baseHost, BaseUser: test.baseUser, BasePassword: base.Password}
		if got := p.PullAccounts(); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

// No way of formatting shows the password, also not of a value that contains the account.
func TestAccountKeepsItsPassword(t *testing.T) {
	account := RegistryAccount{"us.icr.io", "user", "pass-word"}
	wrapper := struct {
		Account  RegistryAccount
		Accounts []RegistryAccount
		Pointer  *RegistryAccount
	}{account, []RegistryAccount{account}, &account}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "account", account, "wrapper", wrapper)
	encoded, err := json.Marshal(wrapper)
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{log.String(), string(encoded)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		texts = append(texts, fmt.Sprintf(verb, account), fmt.Sprintf(verb, wrapper), fmt.Sprintf(verb, &account))
	}
	for _, text := range texts {
		if strings.Contains(text, "pass-word") || !strings.Contains(text, "user") && !strings.Contains(text, "0x") {
			t.Errorf("formatted as %s", text)
		}
	}
}
