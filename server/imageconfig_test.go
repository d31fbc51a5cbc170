package server

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/job"
)

func TestSignatures(t *testing.T) {
	f := newFixture(t)
	f.mustReturn("POST", "/image", parametersWith(), http.StatusOK)
	record := f.keep(newID, api.StatusSuccess, "")
	record.ImageDigest = "sha256:" + strings.Repeat("0a", 32)
	record.Signatures = []job.Signature{
		{Method: api.SigningSigstore, PublicKeyID: "0c", PublicKey: "pem"},
		{Method: api.SigningSimple, PublicKeyID: "0B", PublicKey: "armour"},
		{Method: api.SigningDCT, PublicKeyID: "0a", PublicKey: "base64"},
	}
	record.Attestations = []job.Attestation{
		{Name: api.AttestationSBOM, PublicKeyID: "0d", PublicKey: "pem of attestations"},
		{Name: api.AttestationProvenance, PublicKeyID: "0d", PublicKey: "pem of attestations"},
	}
	text, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	build, err := f.data.Builds().Open(newID)
	if err != nil {
		t.Fatal(err)
	}
	if err := build.SaveRecord(text); err != nil {
		t.Fatal(err)
	}

	config := func() (config api.ImageConfig) {
		reply := f.request("GET", "/config-json", `""`)
		if err := json.Unmarshal(reply.Body.Bytes(), &config); err != nil {
			t.Fatalf("%s: %v", reply.Body, err)
		}
		return config
	}
	want := []api.ImageSignature{{Method: "sigstore", ID: "0c", Key: "pem"}, {Method: "simple", ID: "0B", Key: "armour"}, {Method: "dct", ID: "0a", Key: "base64"}, {Method: "attestations", ID: "0d", Key: "pem of attestations"}}
	c := config()
	if !slices.Equal(c.Signatures, want) || c.PublicKeyID != "0B" || c.PublicKey != "armour" || c.Lookaside != "" {
		t.Errorf("%+v", c)
	}

	image := "namespace/name@sha256=" + strings.Repeat("0a", 32)
	f.mustReturn("GET", "/lookaside/"+image+"/signature-1", `""`, http.StatusNotFound)
	if err := f.data.Lookaside().AddSignature(image, []byte("signed")); err != nil {
		t.Fatal(err)
	}
	if c := config(); !strings.HasPrefix(c.Lookaside, "https://127.0.0.1:") || !strings.HasSuffix(c.Lookaside, "/lookaside") {
		t.Errorf("lookaside %q", c.Lookaside)
	}
	if reply := f.request("GET", "/lookaside/"+image+"/signature-1", `""`); reply.Code != http.StatusOK || reply.Body.String() != "signed" {
		t.Errorf("%d %s", reply.Code, reply.Body)
	}
	for _, name := range []string{"", image, image + "/signature-2", "../job.json", "..%2fjob.json", image + "/../../../job.json"} {
		f.mustReturn("GET", "/lookaside/"+name, `""`, http.StatusNotFound)
	}
}
