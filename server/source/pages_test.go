package source

import (
	"strings"
	"testing"
)

func TestCheckURLRefusesPages(t *testing.T) {
	for text, want := range map[string]string{
		"https://github.com/owner/repo/tree/main":            "https://github.com/owner/repo.git, and GITHUB_BRANCH to main",
		"https://github.com/owner/repo/tree/feature/x/":      "https://github.com/owner/repo.git, and GITHUB_BRANCH to feature/x",
		"https://github.com/owner/repo/blob/main/Dockerfile": "https://github.com/owner/repo.git",
		"https://github.com/owner/repo/pull/7":               "https://github.com/owner/repo.git",
		"https://gitlab.com/group/sub/repo/-/tree/main":      "https://gitlab.com/group/sub/repo.git, and GITHUB_BRANCH to main",
		"https://gitea.example.com:3000/o/r/src/branch/main": "https://gitea.example.com:3000/o/r.git, and GITHUB_BRANCH to main",
		"https://bitbucket.org/o/r/src/main":                 "https://bitbucket.org/o/r.git, and GITHUB_BRANCH to main",
	} {
		t.Run(text, func(t *testing.T) {
			err := CheckURL(text)
			if err == nil || !strings.HasSuffix(err.Error(), "set GITHUB_URL to "+want) {
				t.Errorf("got %v, want %s", err, want)
			}
		})
	}
	for _, text := range []string{
		"https://github.com/owner/repo", "https://github.com/owner/repo.git/", "https://github.com/owner/tree",
		"https://git.example.com/group/sub/repo", "https://git.example.com/a/b/tree/c.git", "https://dev.azure.com/org/p/_git/r",
		"https://git.example.com/tree/main", "git@github.com:owner/repo/tree/main", "https://git.example.com/scm/PROJ/repo.git",
	} {
		if err := CheckURL(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}
