package source

import (
	"net/netip"
	"strings"
	"testing"
)

func TestParseURL(t *testing.T) {
	for text, want := range map[string]URL{
		"git@github.com:owner/repo.git":            {Scheme: "ssh", User: "git", Host: "github.com", Port: 22, Path: "owner/repo.git"},
		"ada@Git.Example.com:/srv/x":               {Scheme: "ssh", User: "ada", Host: "git.example.com", Port: 22, Path: "/srv/x"},
		"ssh://git.example.com:2222/owner/repo":    {Scheme: "ssh", User: "git", Host: "git.example.com", Port: 2222, Path: "/owner/repo"},
		"ssh://ada@[::1]:2222/~ada/repo":           {Scheme: "ssh", User: "ada", Host: "::1", Port: 2222, Path: "~ada/repo"},
		"https://github.com/owner/repo.git":        {Scheme: "https", Host: "github.com", Port: 443, Path: "/owner/repo.git"},
		"https://git.example.com:8443/a%20b/c.git": {Scheme: "https", Host: "git.example.com", Port: 8443, Path: "/a%20b/c.git"},
		"https://org@dev.azure.com/org/p/_git/r":   {Scheme: "https", User: "org", Host: "dev.azure.com", Port: 443, Path: "/org/p/_git/r"},
		"https://github.com/owner/c%23.git//":      {Scheme: "https", Host: "github.com", Port: 443, Path: "/owner/c%23.git"},
		"ssh://git@host/owner/repo.git/":           {Scheme: "ssh", User: "git", Host: "host", Port: 22, Path: "/owner/repo.git"},
		"git@host:owner/repo.git/":                 {Scheme: "ssh", User: "git", Host: "host", Port: 22, Path: "owner/repo.git"},
		"http://127.0.0.1:3000/x.git":              {Scheme: "http", Host: "127.0.0.1", Port: 3000, Path: "/x.git"},
		"http://localhost/x.git":                   {Scheme: "http", Host: "localhost", Port: 80, Path: "/x.git"},
	} {
		t.Run(text, func(t *testing.T) {
			want.text = text
			got, err := ParseURL(text)
			if err != nil || got != want {
				t.Errorf("got %+v, %v\nwant %+v", got, err, want)
			}
		})
	}
}

func TestParseURLRefuses(t *testing.T) {
	for _, text := range []string{
		"", "/srv/repo.git", "./repo", "../repo", "repo", "C:\\repo", "C:/repo", "host:path",
		"file:///srv/repo.git", "git://host/repo.git", "ext::sh -c id", "git@ext::x", "fd::1", "ftp://host/x",
		"ssh://-oProxyCommand=id/x", "git@-oProxyCommand=id:x", "-u@host:x", "ssh://-u@host/x", "git@host:-x", "ssh://host/-x", "https://-h/x",
		"https://user:secret@host/x", "https://user:@host/x", "https://us%20er@host/x", "https://us%3Aer@host/x", "ssh://git:secret@host/x",
		"https://host/x?service=y", "https://host/x?", "https://host/x#y", "https://host", "https://host/", "ssh://host", "git@host:/",
		"https://2001:db8::1/x", "ssh://git@2001:db8::1/x", "http://example.com/x", "http://10.0.0.1/x", "http://127.0.0.1.example.com/x",
		"https://ho st/x", "https://host/x\n", "https://host/\x00", "ssh://host/a%0ab", "git@host:a\nb", "https://höst/x",
		"https://host:0/x", "https://host:65536/x", "https://host:port/x", "https:///x", "https:host/x", "ssh://[fe80::1%25eth0]/x",
		"https://host/" + strings.Repeat("x", maxURL), "HTTPS\\://host/x",
	} {
		t.Run(text, func(t *testing.T) {
			got, err := ParseURL(text)
			if err == nil {
				t.Fatalf("taken as %+v", got)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error repeats the password: %v", err)
			}
		})
	}
}

func FuzzParseURL(f *testing.F) {
	for _, seed := range []string{"git@github.com:owner/repo.git", "ssh://a@b:1/c", "https://h/p", "http://[::1]/x", "ext::sh", "ssh://h/%0a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := ParseURL(text)
		if err != nil {
			return
		}
		if strings.HasPrefix(u.Host, "-") || strings.HasPrefix(u.User, "-") || strings.HasPrefix(strings.TrimPrefix(u.Path, "/"), "-") {
			t.Errorf("%q looks like an option: %+v", text, u)
		}
		for _, part := range []string{u.Host, u.User, u.Path} {
			if strings.ContainsFunc(part, func(r rune) bool { return r < ' ' || r == 0x7f }) {
				t.Errorf("%q has a control character: %+v", text, u)
			}
		}
		switch u.Scheme {
		case "ssh", "https":
		case "http":
			if address, err := netip.ParseAddr(u.Host); u.Host != "localhost" && (err != nil || !address.IsLoopback()) {
				t.Errorf("%q is not encrypted", text)
			}
		default:
			t.Errorf("%q has the scheme %q", text, u.Scheme)
		}
		if u.Port < 1 || u.Port > 65535 || u.Path == "" || u.String() != text {
			t.Errorf("%q gave %+v", text, u)
		}
	})
}

func TestResolve(t *testing.T) {
	for _, test := range []struct{ base, relative, want string }{
		{"git@host:owner/repo.git", "../other.git", "git@host:owner/other.git"},
		{"git@host:owner/repo.git", "../../team/other.git", "git@host:team/other.git"},
		{"git@host:/srv/repo.git", "../other.git", "git@host:/srv/other.git"},
		{"https://host:8443/owner/repo.git/", "../other", "https://host:8443/owner/other"},
		{"https://host/.owner/repo", "../x", "https://host/.owner/x"},
		{"ssh://ada@host/owner/repo", "./sub/../sub2", "ssh://ada@host/owner/repo/sub2"},
		{"https://host/owner/repo", "git@elsewhere:x/y", "git@elsewhere:x/y"},
		{"https://host/owner/repo", "../../../x", ""},
		{"https://host/owner/repo", "../..", ""},
		{"https://host/owner/repo", "/srv/x", ""},
		{"https://host/owner/repo", "../\nx", ""},
	} {
		t.Run(test.base+" "+test.relative, func(t *testing.T) {
			base, err := ParseURL(test.base)
			if err != nil {
				t.Fatal(err)
			}
			got, err := base.resolve(test.relative)
			if (err != nil) != (test.want == "") || got.String() != test.want {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestSharesCredentials(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"https://host/a", "https://host/b", true},
		{"https://host/a", "https://HOST/b", true},
		{"https://host/a", "https://host:8443/b", false},
		{"https://host/a", "https://sub.host/b", false},
		{"git@host:a", "https://host/b", true},
		{"git@host:a", "git@other:b", false},
		{"https://host/a", "git@host:b", true},
		{"ssh://host:22/a", "https://host:443/b", true},
		{"git@host:a", "https://host:8443/b", false},
		{"https://host:8443/a", "git@host:b", false},
		{"https://host/a", "ssh://host:2222/b", false},
		{"ssh://host:2222/a", "https://host/b", false},
		{"ssh://localhost/a", "http://localhost/b", false},
		{"http://localhost:8080/a", "https://localhost/b", false},
		{"https://localhost/a", "http://localhost/b", false},
	} {
		a, err := ParseURL(test.a)
		if err != nil {
			t.Fatal(err)
		}
		b, err := ParseURL(test.b)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.sharesCredentials(b); got != test.want {
			t.Errorf("%s and %s: %v", a, b, got)
		}
	}
}
