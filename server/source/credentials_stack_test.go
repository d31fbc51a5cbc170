//go:build stack

package source

import (
	"errors"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opensbs/sbs/server/source/gitconfig"
	"github.com/opensbs/sbs/test/harness/gitserver"
)

// The main repository and its submodules each need another credential: a key on one
// host, two tokens on the second, and a third host that gets none.
func TestCredentialsOfSubmodules(t *testing.T) {
	first := newStack(t, gitserver.Options{})
	second := newStack(t, gitserver.Options{Credentials: map[string]gitserver.Credential{
		"team/one.git": {User: "ada", Token: "token-of-the-team"}, "team/deep/two.git": {User: "git", Token: "token-of-two"},
	}, User: "nobody", Token: "not-given"})
	third := newStack(t, gitserver.Options{})
	var headers []string // Authorization of the requests to the third host
	proxied, thirdURL := third.proxy(t, func(_ http.ResponseWriter, r *http.Request) bool {
		headers = append(headers, r.Header.Get("Authorization"))
		return false
	})
	link := func(s stack, name string) gitserver.File {
		return gitserver.File{Mode: gitserver.Submodule, Content: s.create(t, name, sample(name))}
	}
	files := map[string]gitserver.File{"one": link(second, "team/one.git"), "two": link(second, "team/deep/two.git"), "open": link(third, "open.git")}
	files[".gitmodules"] = gitserver.File{Content: modules("one", "one", second.HTTPSURL("team/one.git")).Content +
		modules("two", "two", second.HTTPSURL("team/deep/two.git")).Content + modules("open", "open", thirdURL+"/open.git").Content}
	first.create(t, "top.git", files)

	request := first.ssh("top.git")
	request.SSHKey, request.Token, request.Submodules = nil, "token-of-the-main-host", true
	request.CABundle = slices.Concat(second.CABundle(), proxied.CABundle)
	base := strings.TrimSuffix(second.HTTPSURL(""), "/")
	request.Credentials = []Credential{
		{Name: "GITHUB_CREDENTIALS[0]", URL: base + "/team", User: "ada", Token: "token-of-the-team"},
		{Name: "GITHUB_CREDENTIALS[1]", URL: base + "/team/deep/two", Token: "token-of-two"},
		{Name: "GITHUB_CREDENTIALS[2]", URL: strings.TrimSuffix(first.SSHURL("top.git"), ".git"), SSHKey: first.key},
	}
	dir, checkout := clone(t, request)
	if len(checkout.Submodules) != 3 {
		t.Errorf("got %+v", checkout.Submodules)
	}
	if len(headers) == 0 || slices.ContainsFunc(headers, func(header string) bool { return header != "" }) {
		t.Errorf("the third host got %q", headers)
	}
	for path, content := range snapshot(t, dir) {
		if strings.Contains(content, "token-of") || strings.Contains(content, "PRIVATE KEY") {
			t.Errorf("a credential is in %s", path)
		}
	}
	for i := range request.Credentials {
		without := request
		without.Credentials = slices.Delete(slices.Clone(request.Credentials), i, i+1)
		if err := refuse(t, without); !errors.Is(err, ErrCredentials) || strings.Contains(err.Error(), "token-of") {
			t.Errorf("without entry %d: %v", i, err)
		}
	}
}

// A redirect to what the address of an entry does not cover goes on without its
// token, on the same host too.
func TestCredentialStaysWithItsAddress(t *testing.T) {
	s := newStack(t, gitserver.Options{})
	s.create(t, "org/one.git", sample("1"))
	s.create(t, "organization/one.git", sample("1"))
	seen := map[string][]string{}
	request, address := s.proxy(t, func(w http.ResponseWriter, r *http.Request) bool {
		folder, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		seen[folder] = append(seen[folder], r.Header.Get("Authorization"))
		if folder != "org" || !strings.HasPrefix(rest, "old") {
			return false
		}
		target := "/" + strings.TrimPrefix(strings.TrimPrefix(rest, "old-"), "/")
		http.Redirect(w, r, strings.Replace(target, "+", "/", 1)+"?"+r.URL.RawQuery, http.StatusMovedPermanently)
		return true
	})
	request.Credentials = []Credential{{Name: "GITHUB_CREDENTIALS[0]", URL: address + "/org", Token: "token"}}
	request.URL = address + "/org/old-organization+one.git"
	clone(t, request)
	if !slices.Equal(seen["org"], []string{"Basic Z2l0OnRva2Vu"}) || !slices.Equal(seen["organization"], []string{"", "", ""}) {
		t.Errorf("the server got %q", seen)
	}
	clear(seen)
	request.URL = address + "/org/old-org+one.git"
	clone(t, request)
	if len(seen["org"]) != 4 || slices.Contains(seen["org"], "") {
		t.Errorf("within the address, the server got %q", seen)
	}
}

// Git LFS uses the entry of the address of its server, and sends its token to no
// other address of the host.
func TestCredentialsOfLFS(t *testing.T) {
	lfs := &gitserver.LFS{}
	s := newStack(t, gitserver.Options{LFS: lfs, Credentials: map[string]gitserver.Credential{"org/one.git": {User: "ada", Token: "secret"}}})
	s.create(t, "org/one.git", map[string]gitserver.File{gitconfig.AttributesFile: {Content: lfsAttributes}, "y.bin": {Content: lfs.Add("object")}})
	request := s.https("org/one.git")
	request.LFS = true
	request.Credentials = []Credential{{Name: "GITHUB_CREDENTIALS[0]", URL: s.HTTPSURL("org/one"), User: "ada", Token: "secret"}}
	dir, _ := clone(t, request)
	if got := snapshot(t, dir)["y.bin"]; !strings.HasSuffix(got, "object") {
		t.Errorf("y.bin is %q", got)
	}
	asked := lfs.Requests()
	if len(asked) != 2 || asked[0].Authorization == "" || asked[1].Authorization == "" {
		t.Fatalf("the LFS server got %+v", asked)
	}
	lfs.Href = func(_, href string) string { return strings.Replace(href, "org/one.git", "other/one.git", 1) }
	s.create(t, "other/one.git", sample("1"))
	if _, err := Clone(t.Context(), request, filepath.Join(t.TempDir(), "tree"), nil); err != nil {
		t.Errorf("the object of another address: %v", err)
	}
	if asked = lfs.Requests()[2:]; len(asked) != 2 || asked[0].Authorization == "" || asked[1].Authorization != "" {
		t.Errorf("the LFS server got %+v", asked)
	}
}

// A download that is redirected to another address of the host goes on without it.
func TestCredentialOfLFSIsNotRedirected(t *testing.T) {
	lfs := &gitserver.LFS{}
	s := newStack(t, gitserver.Options{LFS: lfs})
	s.create(t, "org/one.git", map[string]gitserver.File{gitconfig.AttributesFile: {Content: lfsAttributes}, "y.bin": {Content: lfs.Add("object")}})
	s.create(t, "other/one.git", sample("1"))
	var moved []string
	request, address := s.proxy(t, func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/moved/") {
			return false
		}
		moved = append(moved, r.Header.Get("Authorization"))
		http.Redirect(w, r, strings.NewReplacer("/moved/", "/info/lfs/", "/org/", "/other/").Replace(r.URL.Path), http.StatusFound)
		return true
	})
	lfs.Href = func(_, href string) string {
		return address + strings.Replace(href[strings.Index(href, "/org/"):], "/info/lfs/", "/moved/", 1)
	}
	request.URL, request.LFS = address+"/org/one.git", true
	request.Credentials = []Credential{{Name: "GITHUB_CREDENTIALS[0]", URL: address + "/org", Token: "token"}}
	clone(t, request)
	asked := lfs.Requests()
	if !slices.Equal(moved, []string{"Basic Z2l0OnRva2Vu"}) || len(asked) != 2 || asked[0].Authorization != moved[0] || asked[1].Authorization != "" {
		t.Errorf("the server got %q and %+v", moved, asked)
	}
}
