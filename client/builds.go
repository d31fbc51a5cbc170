package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/opensbs/sbs/api"
)

// buildsPerPage bounds one reply to a part of maxReply.
const buildsPerPage = 2000

// Builds returns the server's history, newest first, limit builds at most: those
// that began before the one with the id before, or the latest ones when that is
// empty. Next of the reply is empty when there are no older ones.
func (c *Client) Builds(ctx context.Context, before string, limit int) (api.Builds, error) {
	const operation = "builds"
	all := api.Builds{Builds: []api.Build{}, Next: before}
	for limit > len(all.Builds) {
		query := url.Values{"limit": {strconv.Itoa(min(limit-len(all.Builds), buildsPerPage))}}
		if all.Next != "" {
			query.Set("before", all.Next)
		}
		var page api.Builds
		if err := c.value(ctx, request{operation, http.MethodGet, api.PathBuilds + "?" + query.Encode(), emptyBody}, &page); err != nil {
			return api.Builds{}, err
		}
		if page.Next != "" && (len(page.Builds) == 0 || all.Next != "" && page.Next >= all.Next) {
			return api.Builds{}, unexpected(operation, fmt.Sprintf("the list does not continue after %q", all.Next))
		}
		all.Builds, all.Next = append(all.Builds, page.Builds...), page.Next
		if page.Next == "" {
			break
		}
	}
	return all, nil
}
