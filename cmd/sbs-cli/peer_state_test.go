package main

import (
	"encoding/json"
	"net/http"

	"github.com/opensbs/sbs/api"
)

// state exports and takes back one state, by itself or in the bucket "states".
func (p *peer) state(w http.ResponseWriter, r *http.Request) {
	const name, state = "docker.io.ns.name.v1-abcdefa.2021-02-10_15-37-37.178350", "c2VhbGVk"
	var given api.StateImport
	if err := json.NewDecoder(r.Body).Decode(&given); err != nil {
		reply(w, 400, api.Answer{Status: err.Error()})
		return
	}
	inBucket := given.Bucket == "states"
	switch {
	case r.Method == http.MethodGet && p.wants["sends-path"]:
		reply(w, 200, api.StateImage{Name: "../escape", ExportTag: "t", State: state})
	case r.Method == http.MethodGet && inBucket:
		reply(w, 200, api.StateImage{Name: name, ExportTag: "sha256:0"})
	case r.Method == http.MethodGet:
		reply(w, 200, api.StateImage{Name: name, ExportTag: "sha256:0", State: state})
	case given.Secret == "":
		reply(w, 400, api.Answer{Status: "no secret"})
	case given.State == state && given.Name == "" && !inBucket, given.State == "" && given.Name == name && inBucket:
		reply(w, 200, api.Answer{Status: api.StatusOK})
	default:
		reply(w, 400, api.Answer{Status: "not that state"})
	}
}
