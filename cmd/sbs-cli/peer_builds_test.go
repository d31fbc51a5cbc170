package main

import (
	"net/http"
	"time"

	"github.com/opensbs/sbs/api"
)

// builds lists three builds, two at a time at most.
func (p *peer) builds(w http.ResponseWriter, r *http.Request) {
	began := time.Date(2026, 2, 10, 15, 37, 37, 178_350_000, time.UTC)
	all := []api.Build{
		{ID: "2026-02-12_15-37-37.178350", Started: began.AddDate(0, 0, 2), Status: api.StatusCleanedUp},
		{ID: "2026-02-11_15-37-37.178350", Problem: "builds/2026-02-11_15-37-37.178350/record.json of the data volume is damaged\x1b[2J", Size: 4096},
		{ID: "2026-02-10_15-37-37.178350", BuildName: buildName, Status: api.StatusSuccess, Image: "docker.io/ns/name@sha256:" + imageHex,
			Started: began, Finished: began.Add(1250 * time.Millisecond), Manifest: true, ManifestSize: 3 << 20, Size: 4 << 20},
		{ID: "2026-02-09_15-37-37.178350", BuildName: "docker.io.ns.name.v1-0000000.2026-02-09_15-37-37.178350", Status: api.FailureStatus("docker push x"),
			Started: began.AddDate(0, 0, -1), Finished: began.AddDate(0, 0, -1).Add(time.Minute), Size: 4096},
	}
	before := r.URL.Query().Get("before")
	for len(all) > 0 && before != "" && all[0].ID >= before {
		all = all[1:]
	}
	page := api.Builds{Builds: all}
	if len(all) > 2 {
		page = api.Builds{Builds: all[:2], Next: all[1].ID}
	}
	if r.URL.Query().Get("limit") == "1" && len(all) > 1 {
		page = api.Builds{Builds: all[:1], Next: all[0].ID}
	}
	if p.wants["loops"] {
		page.Next = "2026-02-12_15-37-37.178350"
	}
	reply(w, 200, page)
}
