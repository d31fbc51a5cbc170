package main

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"strings"
	"testing/fstest"
	"time"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/manifest"
)

func (p *peer) config(w http.ResponseWriter, _ *http.Request) {
	config := api.ImageConfig{RepositoryName: "docker.io/ns/name", DockerUsername: "reader", DockerPassword: "read-only-password", EnvsWhitelist: []string{"<KEY>"}, PublicKeyID: "0a", PublicKey: "LS0tLS1CRUdJTg=="}
	if p.wants["openpgp"] {
		config.PublicKey = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n"
	}
	if p.wants["signatures"] {
		config.Lookaside = "https://server.example.com/lookaside"
		config.Signatures = []api.ImageSignature{
			{Method: api.SigningDCT, ID: "0a", Key: config.PublicKey},
			{Method: api.SigningSimple, ID: "0B", Key: "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n"},
			{Method: api.SigningSigstore, ID: "0c", Key: "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"},
		}
	}
	if p.wants["attestations"] {
		config.Signatures = []api.ImageSignature{
			{Method: api.SigningDCT, ID: "0a", Key: config.PublicKey},
			{Method: api.KeyOfAttestations, ID: "0d", Key: "-----BEGIN PUBLIC KEY-----\nDDDD\n-----END PUBLIC KEY-----\n"},
		}
	}
	reply(w, 201, config)
}

// signature has two signatures of the one image.
func (p *peer) signature(w http.ResponseWriter, r *http.Request) {
	number, wanted := strings.CutPrefix(r.URL.Path, "/lookaside/ns/name@sha256="+imageHex+"/signature-")
	if !p.wants["signatures"] || !wanted || number != "1" && number != "2" {
		refuse(w, 404, api.CodeNotFound, "there is no such signature")
		return
	}
	if _, err := io.WriteString(w, "signature "+number); err != nil {
		panic(err)
	}
}

func (p *peer) publicKey(w http.ResponseWriter, _ *http.Request) {
	der, err := x509.MarshalPKIXPublicKey(&p.key.PublicKey)
	if err != nil {
		panic(err)
	}
	reply(w, 200, api.PublicKey{PublicKeyPEM: string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), BuildName: buildName})
}

// manifest makes a real manifest; a forged one has another source than the one
// that was signed.
func (p *peer) manifest(w http.ResponseWriter, r *http.Request) {
	if body, err := io.ReadAll(r.Body); err != nil || strings.Contains(string(body), "unknown") {
		refuse(w, 404, api.CodeNotFound, "no such build")
		return
	}
	signature, honest := p.archive(r, "FROM scratch\n")
	sent := honest
	if p.wants["forged"] {
		_, sent = p.archive(r, "FROM evil\n")
	}
	var out bytes.Buffer
	if err := manifest.WriteSigned(r.Context(), &out, manifest.Name(buildName), bytes.NewReader(sent), int64(len(sent)), signature, time.Unix(0, 0)); err != nil {
		panic(err)
	}
	reply(w, 200, map[string]any{"manifest_name": manifest.Name(buildName), "encoded_manifest": out.Bytes()})
}

func (p *peer) archive(r *http.Request, dockerfile string) (signature, tbz []byte) {
	var out bytes.Buffer
	digest, err := manifest.Write(r.Context(), &out, manifest.Contents{
		Record:   []byte(`{"build_name":"` + buildName + `"}`),
		Log:      io.NewSectionReader(strings.NewReader("log\n"), 0, 4),
		Git:      fstest.MapFS{"Dockerfile": {Data: []byte(dockerfile)}},
		Modified: time.Unix(0, 0),
	})
	if err != nil {
		panic(err)
	}
	if signature, err = manifest.Sign(digest, p.key); err != nil {
		panic(err)
	}
	return signature, out.Bytes()
}
