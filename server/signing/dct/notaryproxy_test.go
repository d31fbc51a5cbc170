//go:build stack

package dct

// A proxy before real notary servers, to do to a client what servers may do.

import (
	"net/http"
	"strings"
	"testing"

	"github.com/theupdateframework/notary/tuf/data"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/signing"
	"github.com/opensbs/sbs/test/harness/notaryserver"
	"github.com/opensbs/sbs/test/kit/memstore"
	"github.com/opensbs/sbs/test/notaryproxy"
)

// proxy is what signers ask instead of a notary server.
type proxy struct{ *notaryproxy.Proxy }

func newNotaryProxy(t *testing.T, notary *notaryserver.Server) proxy {
	t.Helper()
	return proxy{notaryproxy.New(t, notary)}
}

// tampered returns as the server did until now, with one character changed after
// the first mark in the data of a role.
func (f proxy) tampered(role, mark string) http.Handler {
	return f.Replay(func(path string, content []byte) []byte {
		before, after, marked := strings.Cut(string(content), mark)
		if !marked || !strings.Contains(path, "/"+role+".") {
			return content
		}
		other := map[bool]string{true: "B", false: "A"}[after[0] == 'A']
		return []byte(before + mark + other + after[1:])
	})
}

func (f proxy) request(image signing.Image) signing.Request {
	return signing.Request{Notary: f.URL, Account: api.RegistryAccount{User: user, Password: password}, CABundle: f.CABundle(), Image: image}
}

// withRole counts the sealed keys of a role.
func withRole(t *testing.T, keys *memstore.Store, role data.RoleName) int {
	t.Helper()
	count := 0
	for _, info := range (&keyStore{keys: keys}).ListKeys() {
		if info.Role == role {
			count++
		}
	}
	return count
}
