package registry

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/opensbs/sbs/signature"
)

const indexType = "application/vnd.oci.image.index.v1+json"

// paged is a registry whose list of referrers has one entry on each page. after
// gives the Link header of the page with that number, from 1 on.
func paged(t *testing.T, entry func(page int) string, after func(page int, host string) string) (repository *Repository, asked *int) {
	t.Helper()
	asked = new(int)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/v2/ns/app/referrers/") {
			return
		}
		*asked++
		page := 1
		if number := r.URL.Query().Get("page"); number != "" {
			page, _ = strconv.Atoi(number)
		}
		w.Header().Set("Content-Type", indexType)
		if link := after(page, r.Host); link != "" {
			w.Header().Set("Link", link)
		}
		fmt.Fprintf(w, `{"schemaVersion":2,"mediaType":%q,"manifests":[%s]}`, indexType, entry(page))
	}))
	t.Cleanup(server.Close)
	repository, err := Open(t.Context(), strings.TrimPrefix(server.URL, "http://")+"/ns/app", signature.Access{}, Pull)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(repository.Close)
	return repository, asked
}

func numbered(page int) string {
	return fmt.Sprintf(`{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":%d,"digest":"sha256:%064x"}`, page, page)
}

// A signature on the second page is there as on the first.
func TestReferrersComeInPages(t *testing.T) {
	subject := "sha256:" + strings.Repeat("0b", 32)
	path := "/v2/ns/app/referrers/" + subject
	for name, link := range map[string]func(page int, host string) string{
		"a path":  func(page int, _ string) string { return fmt.Sprintf(`<%s?page=%d>; rel="next"`, path, page) },
		"a query": func(page int, _ string) string { return fmt.Sprintf(`<?page=%d>; rel=next`, page) },
		"a URL": func(page int, host string) string {
			return fmt.Sprintf(`<http://%s%s?page=%d>;rel="next"`, host, path, page)
		},
		"among others": func(page int, _ string) string {
			return fmt.Sprintf(`<?page=1>; rel="prev", <?page=%d>; title="x"; rel="last next", <?page=9>; rel="nextish"`, page)
		},
		"in capitals": func(page int, _ string) string { return fmt.Sprintf(`<?page=%d>; REL="Next"`, page) },
	} {
		repository, asked := paged(t, numbered, func(page int, host string) string {
			if page == 3 {
				return `<?page=1>; rel="first"`
			}
			return link(page+1, host)
		})
		listed, err := repository.Referrers(t.Context(), subject)
		if err != nil || len(listed) != 3 || listed[2].Size != 3 || *asked != 3 {
			t.Errorf("%s: %d requests, %+v, %v", name, *asked, listed, err)
		}
	}
}

// A list that can't be read to its end is not shorter: it is an error.
func TestPagesAreBounded(t *testing.T) {
	subject := "sha256:" + strings.Repeat("0b", 32)
	large := numbered(1) + strings.Repeat(" ", 3<<20)
	for name, test := range map[string]struct {
		entry func(int) string
		link  string
		says  string
		most  int // requests
	}{
		"in a circle":    {numbered, `<?page=1>; rel="next"`, "more than 100 pages", 100},
		"too large":      {func(int) string { return large }, `<?page=2>; rel="next"`, "has more than", 6},
		"another host":   {numbered, `<http://registry.example.com/v2/ns/app/referrers/x>; rel="next"`, "another host", 1},
		"another port":   {numbered, `<http://127.0.0.1:1/v2/ns/app/referrers/x>; rel="next"`, "another host", 1},
		"another scheme": {numbered, `<https://HOST/v2/ns/app/referrers/x>; rel="next"`, "another host", 1},
		"a user":         {numbered, `<http://user@HOST/v2/ns/app/referrers/x>; rel="next"`, "another host", 1},
		"no URL":         {numbered, `<%zz>; rel="next"`, "no URL", 1},
		"a page is not":  {func(page int) string { return map[int]string{1: numbered(1), 2: "{"}[page] }, `<?page=2>; rel="next"`, "read the registry's list", 2},
	} {
		repository, asked := paged(t, test.entry, func(_ int, host string) string { return strings.ReplaceAll(test.link, "HOST", host) })
		listed, err := repository.Referrers(t.Context(), subject)
		if err == nil || !strings.Contains(err.Error(), test.says) || len(listed) != 0 || *asked > test.most {
			t.Errorf("%s: %d requests, %d listed, %v", name, *asked, len(listed), err)
		}
	}
}
