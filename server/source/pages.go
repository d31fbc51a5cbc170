package source

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// pageFolders are the parts of a path below owner/repository at which the forges
// show pages of a repository: files, commits, requests.
var pageFolders = []string{"tree", "blob", "src", "browse", "commit", "commits", "pull", "merge_requests", "branch", "tags", "releases"}

// CheckURL checks the URL that a developer gives, as [ParseURL] does, and refuses
// the address of a web page of a repository, which people copy from a browser.
func CheckURL(text string) error {
	u, err := ParseURL(text)
	if err != nil {
		return err
	}
	if u.Scheme != schemeSSH {
		if repository, branch := pageOf(u); repository != "" {
			hint := ""
			if branch != "" {
				hint = fmt.Sprintf(", and GITHUB_BRANCH to %s", branch)
			}
			return fmt.Errorf("repository URL: %s is the address of a web page; set GITHUB_URL to %s%s", text, repository, hint)
		}
	}
	return nil
}

// pageOf returns the URL of the repository that a web page belongs to, and the
// branch that the page shows if its address names one. Both are empty for what can
// be a repository.
func pageOf(u URL) (repository, branch string) {
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	if strings.HasSuffix(parts[len(parts)-1], ".git") {
		return "", ""
	}
	end := slices.Index(parts, "-") // GitLab: group/subgroup/repository/-/tree/main
	rest := end + 1
	if end < 2 {
		end, rest = 2, 2
		if len(parts) < 4 || !slices.Contains(pageFolders, parts[2]) {
			return "", ""
		}
	}
	name := u.Host
	if u.Port != 443 && u.Scheme == schemeHTTPS || u.Port != 80 && u.Scheme == schemeHTTP {
		name = u.Address()
	}
	repository = u.Scheme + "://" + name + "/" + strings.TrimSuffix(strings.Join(parts[:end], "/"), ".git") + ".git"
	return repository, branchOf(parts[rest:])
}

// branchOf reads the branch in the part of a page's path after the repository:
// tree/NAME at GitHub and GitLab, src/branch/NAME at Gitea, src/NAME at Bitbucket.
func branchOf(parts []string) string {
	switch {
	case len(parts) > 2 && parts[0] == "src" && parts[1] == "branch":
		parts = parts[2:]
	case len(parts) > 1 && (parts[0] == "tree" || parts[0] == "src"):
		parts = parts[1:]
	default:
		return ""
	}
	name, err := url.PathUnescape(strings.Join(parts, "/"))
	if err != nil || CheckReference(name) != nil {
		return ""
	}
	return name
}
