package verify_test

// A build without an engine: an image in a registry, signed and attested by the
// server's own signers, with a manifest of a hand-made clone. Every piece can be
// changed on the way, before or after it is signed.

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/manifest"
	"github.com/opensbs/sbs/api/provenance"
	"github.com/opensbs/sbs/client/verify"
	"github.com/opensbs/sbs/server/signing"
	"github.com/opensbs/sbs/server/signing/sigstore"
	"github.com/opensbs/sbs/server/signing/simple"
	"github.com/opensbs/sbs/signature"
	"github.com/opensbs/sbs/signature/bundle"
	"github.com/opensbs/sbs/test/gitfolder"
)

const (
	gitURL    = "git@git.example.com:bank/app.git"
	spdx      = "https://spdx.dev/Document"
	buildTime = "2026-11-23_09-30-00.123456"
)

// changes are made to the pieces of a build; nil leaves a piece as it is.
type changes struct {
	git       func(gitfolder.Sample)
	record    func(map[string]any)
	log       func(string) string // what the manifest has of it
	predicate func(*provenance.Predicate)
	sbom      func([]byte) []byte                     // the one that is attested; the provenance names the other
	bundle    func(name string, text []byte) []byte   // attached to the image: "signature", "provenance", "sbom"; nil: nothing
	copies    func(map[string][]byte)                 // the bundles in the manifest
	simple    func([]byte) []byte                     // each of them
	legacy    func(*sigstore.Signer) *sigstore.Signer // who signs that way
	manifest  func([]byte) []byte                     // the finished file
	after     func(*fixture)                          // when all is done
}

// fixture is a build, and what an auditor has of it.
type fixture struct {
	t       *testing.T
	server  server
	name    name.Repository
	account authn.AuthConfig
	image   signing.Image
	verify.Request
}

// build makes a fixture.
func (s server) build(t *testing.T, address string, account authn.AuthConfig, c changes) *fixture {
	t.Helper()
	repository, err := name.NewRepository(address + "/bank/app")
	if err != nil {
		t.Fatal(err)
	}
	w := &fixture{t: t, server: s, name: repository, account: account}
	w.Access = signature.Access{User: account.Username, Password: api.Secret(account.Password)}
	w.Lookaside = t.TempDir()
	t.Setenv("TMPDIR", t.TempDir()) // see run
	w.image = w.push("v1-0a0a0a0", "latest")
	w.Reference = signature.Reference{Repository: repository.Name(), Tag: "latest"}
	w.sign(c)
	w.state(c)
	if c.after != nil {
		c.after(w)
	}
	return w
}

func (w *fixture) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *fixture) options() []remote.Option {
	return []remote.Option{remote.WithContext(w.t.Context()), remote.WithAuth(authn.FromConfig(w.account))}
}

// push uploads a new image under the tags.
func (w *fixture) push(tags ...string) signing.Image {
	w.t.Helper()
	image, err := random.Image(64, 1)
	w.must(err)
	for _, tag := range tags {
		w.must(remote.Write(w.name.Tag(tag), image, w.options()...))
	}
	return w.described(image, tags)
}

func (w *fixture) described(image v1.Image, tags []string) signing.Image {
	digest, err := image.Digest()
	w.must(err)
	size, err := image.Size()
	w.must(err)
	return signing.Image{Repository: w.name.Name(), Tags: tags, Digest: digest.String(), Size: size}
}

func (w *fixture) request() signing.Request {
	return signing.Request{Account: api.RegistryAccount{User: w.account.Username, Password: api.Secret(w.account.Password)}, Image: w.image}
}

// sign signs in every way that needs no notary server.
func (w *fixture) sign(c changes) {
	w.t.Helper()
	change := c.simple
	if change == nil {
		change = func(text []byte) []byte { return text }
	}
	w.Trust = verify.Trust{Version: 1, Repository: w.name.Name(), Source: gitURL, Builder: provenance.BuilderID("contract")}
	add := func(key signing.PublicKey, err error) {
		w.t.Helper()
		w.must(err)
		known, err := verify.NewKey(key.Method, key.Key)
		w.must(err)
		if known.ID != key.ID {
			w.t.Fatalf("the %s key %s is called %s", key.Method, key.ID, known.ID)
		}
		w.Trust.Signatures = append(w.Trust.Signatures, known)
	}
	add(simple.New(w.server.keys, folder{w.Lookaside, change, map[string][][]byte{}}, "v1").Sign(w.t.Context(), w.request(), io.Discard))
	signer := sigstore.New(w.server.keys)
	by := signer
	if c.legacy != nil {
		by = c.legacy(signer)
	}
	_, err := by.Legacy().Sign(w.t.Context(), w.request(), io.Discard)
	w.must(err)
	key := w.attest(c, "signature", bundle.SignPredicate, nil, nil)
	add(signing.PublicKey{Method: api.SigningSigstore, ID: key.ID, Key: key.Key}, nil)
	add(signing.PublicKey{Method: api.SigningSigstoreLegacy, ID: key.ID, Key: key.Key}, nil)
}

// attest states something of the image, and keeps the bundle under file.
func (w *fixture) attest(c changes, what, predicateType string, predicate []byte, keep func([]byte)) signing.PublicKey {
	w.t.Helper()
	signer := sigstore.New(w.server.keys)
	text, key, err := signer.Attest(w.t.Context(), w.image, predicateType, predicate)
	w.must(err)
	if keep != nil {
		keep(text)
	}
	if c.bundle != nil {
		text = c.bundle(what, text)
	}
	if text != nil {
		_, err = signer.Attach(w.t.Context(), w.request(), predicateType, text)
		w.must(err)
	}
	return key
}

// state makes provenance, SBOM and manifest.
func (w *fixture) state(c changes) {
	w.t.Helper()
	sample := gitfolder.NewSample(w.t)
	head := sample.Head.String()
	if c.git != nil {
		c.git(sample)
	}
	text := "2026-11-23 09:30:00,123  root       INFO    starting a build\n"
	document := []byte(`{"spdxVersion":"SPDX-2.3","packages":[{"name":"app"},{"name":"zlib"}]}`)
	buildName := strings.ReplaceAll(w.name.Name(), "/", ".") + ".v1-0a0a0a0." + buildTime
	base := strings.Repeat("0c", 32)
	record := map[string]any{
		"status": api.StatusSuccess, "build_name": buildName, "image_tag": "v1-0a0a0a0", "repository": w.name.Name(),
		"commit": head, "image_digest": w.image.Digest,
		"submodules": []map[string]any{
			{"path": "lib", "url": "https://git.example.com/lib.git", "commit": sample.Inner.String()},
			{"path": "lib/sub", "url": "https://git.example.com/sub.git", "commit": sample.Deepest.String()},
		},
		"base_images": []map[string]any{{"reference": "docker.io/library/alpine:3.20", "digest": "sha256:" + base, "method": "simple", "key_id": "0A"}},
	}
	if c.record != nil {
		c.record(record)
	}
	started := time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC)
	predicate := provenance.Predicate{
		BuildDefinition: provenance.BuildDefinition{
			BuildType:          provenance.BuildType,
			ExternalParameters: map[string]any{"GITHUB_URL": gitURL},
			ResolvedDependencies: []provenance.Resource{
				{Name: provenance.NameSource, URI: "git+ssh://git@git.example.com/bank/app.git", Digest: map[string]string{provenance.GitCommit: head}},
				{Name: provenance.NameBase, URI: "oci://docker.io/library/alpine:3.20", Digest: map[string]string{provenance.SHA256: base}},
			},
		},
		RunDetails: provenance.RunDetails{
			Builder:  provenance.Builder{ID: provenance.BuilderID("contract")},
			Metadata: provenance.Metadata{InvocationID: buildName, StartedOn: started, FinishedOn: started.Add(time.Second)},
			Byproducts: []provenance.Resource{
				{Name: provenance.NameLog, Digest: digestOf([]byte(text))},
				{Name: provenance.NameSBOM, Digest: digestOf(document)},
			},
		},
	}
	if c.predicate != nil {
		c.predicate(&predicate)
	}
	encoded, err := provenance.Encode(predicate)
	w.must(err)
	attested := document
	if c.sbom != nil {
		attested = c.sbom(document)
	}
	copies := map[string][]byte{manifest.SBOMDocument: document}
	w.attest(c, "sbom", spdx, attested, func(text []byte) { copies[manifest.SBOM] = text })
	key := w.attest(c, "provenance", provenance.PredicateType, encoded, func(text []byte) { copies[manifest.Provenance] = text })
	known, err := verify.NewKey("", key.Key)
	w.must(err)
	w.Trust.Attestations, w.Trust.Published = &known, []string{api.AttestationProvenance, api.AttestationSBOM}
	if c.copies != nil {
		c.copies(copies)
	}
	if c.log != nil {
		text = c.log(text)
	}
	w.archive(c, buildName, record, text, copies, sample)
}

func digestOf(content []byte) map[string]string {
	sum := sha256.Sum256(content)
	return map[string]string{provenance.SHA256: hex.EncodeToString(sum[:])}
}

// archive writes the signed manifest.
func (w *fixture) archive(c changes, buildName string, record map[string]any, log string, copies map[string][]byte, sample gitfolder.Sample) {
	w.t.Helper()
	text, err := json.Marshal(record)
	w.must(err)
	data := fstest.MapFS{}
	for name, content := range copies {
		data[name] = &fstest.MapFile{Data: content, Mode: 0o600}
	}
	var tbz, signed bytes.Buffer
	modified := time.Unix(1_700_000_000, 0)
	digest, err := manifest.Write(w.t.Context(), &tbz, manifest.Contents{
		Record: text, Log: io.NewSectionReader(strings.NewReader(log), 0, int64(len(log))),
		Attested: data, Git: sample.FS(), Modified: modified,
	})
	w.must(err)
	made, err := manifest.Sign(digest, w.server.manifest)
	w.must(err)
	w.must(manifest.WriteSigned(w.t.Context(), &signed, manifest.Name(buildName), &tbz, int64(tbz.Len()), made, modified))
	content := signed.Bytes()
	if c.manifest != nil {
		content = c.manifest(content)
	}
	w.Manifest = filepath.Join(w.t.TempDir(), manifest.Name(buildName)+".sig.tbz")
	w.must(os.WriteFile(w.Manifest, content, 0o600))

	der, err := x509.MarshalPKIXPublicKey(&w.server.manifest.PublicKey)
	w.must(err)
	key, err := verify.NewKey("", string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))
	w.must(err)
	w.Trust.Manifest = &key
}
