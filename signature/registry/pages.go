package registry

// Long lists come in pages, each of which names the next one in its Link header
// (OCI distribution-spec 1.1, "Listing Referrers"; RFC 8288).

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// A list of referrers that is longer is an error: anyone who may attach to an image
// could hide a signature after any number of others, but not without being noticed.
const (
	maxPages = 100
	maxList  = 16 << 20 // bytes of all pages
)

// pages reads the list that begins with first, whose status is 200, to its end. It
// closes first.
func (r *Repository) pages(ctx context.Context, first *http.Response) (index v1.IndexManifest, err error) {
	response, left := first, maxList
	for count := 1; ; count++ {
		page, size, err := readPage(response, min(left, maxManifest))
		if err != nil {
			return index, err
		}
		if index.Manifests == nil {
			index = page
		} else {
			index.Manifests = append(index.Manifests, page.Manifests...)
		}
		next, err := nextPage(response)
		if next == "" || err != nil {
			return index, err
		}
		if left -= size; left <= 0 {
			return index, fmt.Errorf("it has more than %d MiB", maxList>>20)
		}
		if count == maxPages {
			return index, fmt.Errorf("it has more than %d pages", maxPages)
		}
		if response, err = r.send(ctx, http.MethodGet, next, nil, http.Header{"Accept": {string(types.OCIImageIndex)}}); err != nil {
			return index, err
		}
	}
}

func readPage(response *http.Response, limit int) (page v1.IndexManifest, size int, err error) {
	defer response.Body.Close()
	if err := transport.CheckError(response, http.StatusOK); err != nil {
		return page, 0, err
	}
	text, err := readBounded(response.Body, int64(limit))
	if err == nil {
		err = json.Unmarshal(text, &page)
	}
	return page, len(text), err
}

// link is one link of a Link header with its parameters.
var link = regexp.MustCompile(`<([^>]*)>([^<]*)`)

// relNext is the parameter of the link to the next page; a link may have several
// relations.
var relNext = regexp.MustCompile(`(?i);\s*rel\s*=\s*("([^"]*\s)?next(\s[^"]*)?"|next\s*([;,]|$))`)

// nextPage returns the path and query of the next page, "" after the last one. It
// is on the host that sent this one: credentials go with the request.
func nextPage(response *http.Response) (string, error) {
	for _, found := range link.FindAllStringSubmatch(strings.Join(response.Header.Values("Link"), ", "), -1) {
		if !relNext.MatchString(found[2]) {
			continue
		}
		target, err := url.Parse(found[1])
		if err != nil {
			return "", errors.New("its Link header names no URL as the next page")
		}
		this := response.Request.URL
		target = this.ResolveReference(target)
		if target.Scheme != this.Scheme || target.Host != this.Host || target.User != nil {
			return "", fmt.Errorf("its next page is on another host, %.200q", target.Host)
		}
		return target.RequestURI(), nil
	}
	return "", nil
}
