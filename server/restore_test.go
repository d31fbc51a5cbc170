package server

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
)

// Parameters that an earlier version accepted and this one refuses must not keep a
// server from starting: an update replaces them.
func TestParametersOfAnEarlierVersionAreReplacedByUpdate(t *testing.T) {
	for _, name := range []string{"parameters", "imported-parameters"} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			earlier := parametersWith("DOCKER_PUSH_SERVER", "us.icr.io", "DOCKER_REPO", "Upper/App")
			if err := f.data.Secrets().Put(name, []byte(earlier)); err != nil {
				t.Fatal(err)
			}
			if err := f.data.Close(); err != nil {
				t.Fatal(err)
			}
			f.start()
			got := f.mustReturn("PUT", "/image", `""`, http.StatusBadRequest)
			if got.Key != "DOCKER_REPO" || !strings.Contains(got.Status, "run update") {
				t.Errorf("build: %+v", got)
			}
			var status api.Status
			if reply := f.request("GET", "/image", `""`); reply.Code != http.StatusOK || json.Unmarshal(reply.Body.Bytes(), &status) != nil {
				t.Errorf("status: %d %s", reply.Code, reply.Body)
			}
			f.mustReturn("PATCH", "/image", parametersWith("SECRET", otherSecret), http.StatusForbidden)
			f.mustReturn("PATCH", "/image", parametersWith(), http.StatusOK)
			f.mustReturn("PUT", "/image", `""`, http.StatusOK)
		})
	}
}
