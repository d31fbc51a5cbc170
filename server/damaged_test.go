package server

import (
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/enclave"
	"github.com/opensbs/sbs/server/volume"
	"github.com/opensbs/sbs/test/kit/plainvolume"
)

// sealedBy opens the fixture's volume again, sealed by a real enclave.
func (f *fixture) sealedBy(simulated *enclave.Enclave) {
	f.t.Helper()
	if err := f.data.Close(); err != nil {
		f.t.Fatal(err)
	}
	data, err := volume.Open(f.dir, simulated)
	if err != nil {
		f.t.Fatal(err)
	}
	f.open(data, simulated)
}

// TestParametersThatCannotBeUnsealed checks that the server starts without them, names
// the file and never overwrites it, serves earlier builds, and continues when the file is
// restored or removed.
func TestParametersThatCannotBeUnsealed(t *testing.T) {
	simulated, err := enclave.Simulate(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t)
	f.sealedBy(simulated)
	f.mustReturn("POST", "/image", parametersWith(), http.StatusOK)
	old := f.keep(oldID, api.StatusSuccess, "")
	file := filepath.Join(f.dir, "sealed", "parameters")
	saved, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	flipped := append([]byte{}, saved...)
	flipped[len(flipped)-20] ^= 1
	for name, content := range map[string][]byte{"empty": nil, "cut": saved[:len(saved)/2], "flipped": flipped} {
		t.Run(name, func(t *testing.T) {
			f.t = t
			if err := os.WriteFile(file, content, 0o600); err != nil {
				t.Fatal(err)
			}
			// Before the restart they are still in memory.
			if got := f.mustReturn("PATCH", "/image", parametersWith("IMAGE_TAG_PREFIX", "v2"), http.StatusInternalServerError); !strings.Contains(got.Status, "sealed/parameters") {
				t.Errorf("update before the restart: %+v", got)
			}
			f.sealedBy(simulated)
			before := plainvolume.Files(t, f.dir)
			if got := f.request("GET", "/image", `""`); got.Code != http.StatusOK || !strings.Contains(got.Body.String(), `"volume":"the sealed file sealed/parameters of the data volume does not open: put it back`) {
				t.Errorf("status: %d %s", got.Code, got.Body)
			}
			for _, request := range [][3]string{
				{"POST", "/image", parametersWith()}, {"PATCH", "/image", parametersWith()}, {"PUT", "/image", `""`},
				{"GET", "/state-image", "{}"}, {"POST", "/state-image", importing(t, secret, "x")},
			} {
				if got := f.mustReturn(request[0], request[1], request[2], http.StatusInternalServerError); got.Code != api.CodeVolume || !strings.Contains(got.Status, "sealed/parameters") {
					t.Errorf("%s %s: %+v", request[0], request[1], got)
				}
			}
			if page := f.listed(""); len(page.Builds) != 1 {
				t.Errorf("the history: %+v", page)
			}
			if reply := f.request("GET", "/manifest", `{"BUILD_NAME":"`+old.BuildName+`"}`); reply.Code != http.StatusOK {
				t.Errorf("the manifest: %d %s", reply.Code, reply.Body)
			}
			if !maps.Equal(before, plainvolume.Files(t, f.dir)) {
				t.Error("the volume has changed")
			}
			if err := os.WriteFile(file, saved, 0o600); err != nil {
				t.Fatal(err)
			}
			f.mustReturn("PUT", "/image", `""`, http.StatusOK)
		})
	}
	f.t = t
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f.sealedBy(simulated)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	f.mustReturn("PUT", "/image", `""`, http.StatusConflict)
	f.mustReturn("POST", "/image", parametersWith(), http.StatusOK)
}

// TestKeyThatCannotBeUnsealed checks that an export names it, and that no import writes
// over it.
func TestKeyThatCannotBeUnsealed(t *testing.T) {
	simulated, err := enclave.Simulate(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t)
	f.sealedBy(simulated)
	f.mustReturn("POST", "/image", parametersWith(), http.StatusOK)
	f.put("manifest/key", "the manifest key")
	f.keep(newID, api.StatusSuccess, "")
	state := f.export("{}").State
	if err := os.WriteFile(filepath.Join(f.dir, "sealed", "manifest", "key"), []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := plainvolume.Files(t, f.dir)
	for method, body := range map[string]string{"GET": "{}", "POST": importing(t, secret, state)} {
		if got := f.mustReturn(method, "/state-image", body, http.StatusInternalServerError); got.Code != api.CodeVolume || !strings.Contains(got.Status, "sealed/manifest/key") {
			t.Errorf("%s: %+v", method, got)
		}
	}
	if !maps.Equal(before, plainvolume.Files(t, f.dir)) {
		t.Error("the volume has changed")
	}
}
