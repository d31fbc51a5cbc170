package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

type entry = map[string]any

const plantedSecret = "planted-secret-value"

func TestCredentialsAccepted(t *testing.T) {
	p, err := parse(t, with("GITHUB_CREDENTIALS", []any{
		entry{"url": " https://git.example.com/team ", "token": "tok-1", "user": "ada", "auth": "basic"},
		entry{"url": "https://other.example.com", "token": "tok-2", "auth": "bearer"},
		entry{"url": "git@github.com:org/lib.git", "key": keyText + "\n"},
		entry{"url": "ssh://git@git.example.com:2222", "key": keyText, "token": "", "user": ""},
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := Credentials{
		{URL: "https://git.example.com/team", Token: "tok-1", User: "ada", Auth: "basic"},
		{URL: "https://other.example.com", Token: "tok-2", Auth: "bearer"},
		{URL: "git@github.com:org/lib.git", Key: keyText + "\n"},
		{URL: "ssh://git@git.example.com:2222", Key: keyText},
	}
	if !reflect.DeepEqual(p.GitHubCredentials, want) {
		t.Errorf("got %#v", p.GitHubCredentials)
	}
	written, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseParameters(written)
	if err != nil || !reflect.DeepEqual(p, again) {
		t.Errorf("what is stored became %#v, %v", again.GitHubCredentials, err)
	}

	public, err := json.Marshal(p.Public())
	if err != nil {
		t.Fatal(err)
	}
	shown := `"GITHUB_CREDENTIALS":[{"url":"https://git.example.com/team","user":"ada","auth":"basic"},{"url":"https://other.example.com","auth":"bearer"},` +
		`{"url":"git@github.com:org/lib.git"},{"url":"ssh://git@git.example.com:2222"}]`
	if !strings.Contains(string(public), shown) || strings.Contains(string(public), "tok-") || strings.Contains(string(public), "PRIVATE") {
		t.Errorf("public are %s", public)
	}
	// A state image has the public form, which an import reads.
	if err := json.Unmarshal(public, new(Parameters)); err != nil {
		t.Errorf("the public form: %v", err)
	}
	if p.GitHubCredentials[0].Token != "tok-1" {
		t.Error("making the public form changed the parameters")
	}
	secrets := p.Secrets()
	maps.DeleteFunc(secrets, func(name, _ string) bool { return !strings.HasPrefix(name, "GITHUB_CREDENTIALS") })
	if want := map[string]string{
		"GITHUB_CREDENTIALS[0].token": "tok-1", "GITHUB_CREDENTIALS[1].token": "tok-2",
		"GITHUB_CREDENTIALS[2].key": keyText + "\n", "GITHUB_CREDENTIALS[3].key": keyText,
	}; !maps.Equal(secrets, want) {
		t.Errorf("secrets are %v", secrets)
	}
	logins := slices.DeleteFunc(p.Logins(), func(l Login) bool { return !strings.HasPrefix(l.Name, "GITHUB_CREDENTIALS") })
	if want := []Login{{"GITHUB_CREDENTIALS[0].token", "ada", "tok-1"}, {"GITHUB_CREDENTIALS[1].token", "git", "tok-2"}}; !slices.Equal(logins, want) {
		t.Errorf("logins are %v", logins)
	}
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		if text := fmt.Sprintf(verb, p); strings.Contains(text, "tok-1") || strings.Contains(text, "BEGIN") {
			t.Errorf("%s shows a secret: %s", verb, text)
		}
	}
}

func TestCredentialsRefused(t *testing.T) {
	good := entry{"url": "https://good.example.com", "token": "good"}
	of := func(more ...string) any {
		e := entry{"url": "https://h.example.com/x", "token": plantedSecret}
		for i := 0; i < len(more); i += 2 {
			e[more[i]] = more[i+1]
			if more[i+1] == "" {
				delete(e, more[i])
			}
		}
		return []any{good, e}
	}
	for name, test := range map[string]struct {
		value any
		says  string
	}{
		"a text":                 {plantedSecret, "is not a list of objects"},
		"texts":                  {[]any{plantedSecret}, "is not a list of objects"},
		"an object":              {entry{"url": plantedSecret}, "is not a list of objects"},
		"too many":               {slices.Repeat([]any{good}, 101), "more than 100"},
		"another member":         {of("key_file", plantedSecret), "entry [1]: a member is none of"},
		"a secret as a member":   {of(plantedSecret, "x"), "entry [1]: a member is none of"},
		"a number":               {[]any{good, entry{"url": "https://h/x", "token": 71236981}}, "entry [1]: a member is not a text"},
		"an empty object":        {[]any{good, entry{}}, "entry [1]: url is missing"},
		"no url":                 {of("url", ""), "entry [1]: url is missing"},
		"no secret":              {of("token", ""), "entry [1]: it has neither key nor token"},
		"both":                   {of("key", keyText), "entry [1]: key and token are both given"},
		"a key for https":        {of("key", keyText, "token", ""), "entry [1]: url is not one of SSH"},
		"a token for ssh":        {of("url", "ssh://git@h/x"), "entry [1]: url is one of SSH"},
		"a token for git@":       {of("url", "git@h:x"), "entry [1]: url is one of SSH"},
		"a user of a key":        {of("url", "git@h:x", "key", keyText, "token", "", "user", "ada"), "entry [1]: user and auth are for a token"},
		"a token as the user":    {of("user", plantedSecret), "entry [1]: user is the token"},
		"another auth":           {of("auth", plantedSecret), "entry [1]: auth is neither"},
		"a private key as token": {of("token", strings.ReplaceAll(keyText, "\n", " ")), "entry [1]: token holds a private key"},
		"a private key as url":   {of("url", "git@h:x/-----BEGIN PRIVATE KEY-----", "token", "", "key", keyText), "entry [1]: url holds a private key"},
		"a private key as user":  {of("user", strings.ReplaceAll(keyText, "\n", " ")), "entry [1]: user holds a private key"},
		"a token of two lines":   {of("token", plantedSecret+"\nx"), "entry [1]: token has a line break"},
		"space around a token":   {of("token", plantedSecret+" "), "entry [1]: token begins or ends with white space"},
		"a token in the url":     {of("url", "https://"+plantedSecret+"@h.example.com/x"), "entry [1]: url holds a user name or a password"},
		"a password in the url":  {of("url", "https://u:"+plantedSecret+"@h.example.com/x"), "entry [1]: url holds a user name or a password"},
		"a password for ssh":     {of("url", "ssh://git:"+plantedSecret+"@h/x", "token", "", "key", keyText), "entry [1]: url holds a user name or a password"},
		"another scheme":         {of("url", plantedSecret+"://h.example.com/x"), "entry [1]: url is not a URL of https or ssh"},
		"what cannot be parsed":  {of("url", "https://u:"+plantedSecret+"@h:port:port/x"), "entry [1]: url is not a URL of https or ssh"},
		"a key that is too long": {of("url", "git@h:x", "token", "", "key", strings.Repeat(plantedSecret, 10_000)), "entry [1]: key is longer"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parse(t, with("GITHUB_CREDENTIALS", test.value))
			var wrong *ParameterError
			if !errors.As(err, &wrong) || wrong.Key != "GITHUB_CREDENTIALS" || !strings.HasPrefix(err.Error(), "GITHUB_CREDENTIALS: "+test.says) && !strings.Contains(err.Error(), test.says) {
				t.Fatalf("got %v, want %q", err, test.says)
			}
			if strings.Contains(err.Error(), plantedSecret) || strings.Contains(err.Error(), "BEGIN") || strings.Contains(err.Error(), "7123") {
				t.Errorf("the error shows the secret: %v", err)
			}
		})
	}
}
