//go:build stack

package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/api/provenance"
	"github.com/opensbs/sbs/server/job"
	"github.com/opensbs/sbs/signature/bundle"
	"github.com/opensbs/sbs/test/kit"
)

// predicateTypes are cosign's names of the predicate types.
var predicateTypes = map[string]string{api.AttestationProvenance: "slsaprovenance1", api.AttestationSBOM: "spdxjson"}

// A build publishes attestations of its provenance and its SBOM in the registry,
// which cosign verifies, even if the image is signed with another method. The
// manifest contains the same attestations.
func TestPublishedAttestations(t *testing.T) {
	env := shared
	machine := read(t, "/var/lib/dpkg", "status")
	commit := env.prepare(t, "attested", files{
		"Dockerfile": "FROM scratch\nARG GREETING\nCOPY status /var/lib/dpkg/status\nCOPY os-release /etc/os-release\n",
		"status":     machine, "os-release": read(t, "/etc", "os-release"),
	}, map[string]any{"IMAGE_SIGNING": "simple", "ARG": map[string]string{"GREETING": "hello"}})
	built := env.MustBuild(t)
	record := env.record(t)
	repository := env.ImageOf("attested")

	env.MustCLI(t, "get-signed-image-publickey --method sigstore --env sbs-config.json")
	key := read(t, env.keyFile(repository))
	for _, tag := range []string{built.ImageTag, "latest"} {
		for _, kind := range predicateTypes {
			env.verifyAttestation(t, key, repository+":"+tag, kind)
		}
	}

	data := filepath.Join(env.unpackManifest(t, built.BuildName), "data")
	content := env.openAttestation(t, key, record, data, api.AttestationProvenance, "provenance.sigstore.json")
	predicate, err := provenance.Parse(content)
	if err != nil {
		t.Fatal(err)
	}
	checkProvenance(t, predicate, record, commit, data)
	log := sum(read(t, data, "build.log"))
	document := env.openAttestation(t, key, record, data, api.AttestationSBOM, "sbom.sigstore.json")
	if string(document) != read(t, data, "sbom.spdx.json") {
		t.Error("the attested SBOM is not data/sbom.spdx.json")
	}
	for name, digest := range map[string]string{provenance.NameLog: log, provenance.NameSBOM: sum(string(document))} {
		if r, _ := predicate.Byproduct(name); r.Digest[provenance.SHA256] != digest {
			t.Errorf("%s has the digest %v in the provenance, want %s", name, r.Digest, digest)
		}
	}
	checkPackages(t, document, dpkg(t, machine))
}

// verifyAttestation checks that cosign accepts the attestation with the key, and
// refuses it with another.
func (env *environment) verifyAttestation(t *testing.T, key, reference, kind string) {
	t.Helper()
	writer := env.Registry.Writer()
	verify := func(key string) kit.Output {
		home := t.TempDir()
		file := filepath.Join(home, "key.pem")
		if err := os.WriteFile(file, []byte(key), 0o600); err != nil {
			t.Fatal(err)
		}
		return kit.Execute(t, "", []string{"HOME=" + home}, "", cosign, "verify-attestation", "--key", file, "--insecure-ignore-tlog=true",
			"--type", kind, "--registry-username", writer.User, "--registry-password", writer.Password, reference)
	}
	if s := verify(key); s.Code != 0 {
		t.Errorf("cosign refuses %s of %s: %s", kind, reference, s.Err)
	}
	other := kit.MustExecute(t, "", nil, kit.MustExecute(t, "", nil, "", "openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout").Out, "openssl", "ec", "-pubout").Out
	if s := verify(other); s.Code == 0 || !strings.Contains(s.Err, "signature") {
		t.Errorf("cosign on %s of %s with another key: %+v", kind, reference, s)
	}
}

// openAttestation verifies an attestation in the manifest, checks that the record
// has its digest, and returns its predicate.
func (env *environment) openAttestation(t *testing.T, key string, record job.Record, data, name, file string) []byte {
	t.Helper()
	public, err := bundle.ParseKey([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	text := read(t, data, file)
	statement, err := bundle.Open(public, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(record.Attestations, func(a job.Attestation) bool { return a.Name == name })
	if i < 0 || record.Attestations[i].SHA256 != sum(text) || record.Attestations[i].PredicateType != statement.PredicateType || record.Attestations[i].PublicKeyID != public.ID() {
		t.Errorf("the record has the attestations %+v", record.Attestations)
	}
	if !statement.About(strings.TrimPrefix(record.ImageDigest, "sha256:")) {
		t.Errorf("%s has the subjects %+v, want the image", name, statement.Subjects)
	}
	return statement.Predicate
}

func checkProvenance(t *testing.T, predicate provenance.Predicate, record job.Record, commit, data string) {
	t.Helper()
	run := predicate.RunDetails
	if run.Builder.Enclave() != "simulated" || run.Builder.Version["sbs-server"] != record.Tools["sbs-server"] || run.Builder.Version["docker engine"] == "" {
		t.Errorf("builder %+v", run.Builder)
	}
	if run.Metadata.InvocationID != record.BuildName || !run.Metadata.StartedOn.Equal(record.Started) || !run.Metadata.FinishedOn.Equal(record.Finished) {
		t.Errorf("metadata %+v", run.Metadata)
	}
	source, _ := predicate.Source()
	if source.Digest[provenance.GitCommit] != commit || !strings.HasPrefix(source.URI, "git+") || !strings.HasSuffix(source.URI, "/attested.git") {
		t.Errorf("source %+v", source)
	}
	// The parameters are those of the record, which the manifest signs too.
	var written struct{ Parameters map[string]any }
	if err := json.Unmarshal([]byte(read(t, data, "build.json")), &written); err != nil {
		t.Fatal(err)
	}
	if parameters := predicate.BuildDefinition.ExternalParameters; fmt.Sprint(parameters) != fmt.Sprint(written.Parameters) || fmt.Sprint(parameters["ARG"]) != "map[GREETING:hello]" {
		t.Errorf("parameters\n%v, the record has\n%v", parameters, written.Parameters)
	}
	if manifest, _ := predicate.Byproduct(provenance.NameManifest); manifest.URI != "manifest."+record.BuildName+".sig.tbz" {
		t.Errorf("manifest %+v", manifest)
	}
}

// dpkg returns the installed packages that dpkg-query lists of a dpkg database.
func dpkg(t *testing.T, status string) map[string]string {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "status"), []byte(status), 0o600); err != nil {
		t.Fatal(err)
	}
	installed := map[string]string{}
	listed := kit.MustExecute(t, "", nil, "", "dpkg-query", "--admindir="+folder, "--show", "--showformat=${db:Status-Status} ${Package} ${Version}\n")
	for line := range strings.Lines(listed.Out) {
		if words := strings.Fields(line); len(words) == 3 && words[0] == "installed" {
			installed[words[1]] = words[2]
		}
	}
	if len(installed) == 0 {
		t.Fatal("the machine has no packages")
	}
	return installed
}

// packagesOf returns the packages of an SPDX document by name, without the image.
func packagesOf(t *testing.T, document []byte) map[string]string {
	t.Helper()
	var read struct {
		Packages []struct {
			ID      string `json:"SPDXID"`
			Name    string `json:"name"`
			Version string `json:"versionInfo"`
		} `json:"packages"`
	}
	if err := json.Unmarshal(document, &read); err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, p := range read.Packages {
		if p.ID != "SPDXRef-Image" {
			found[p.Name] = p.Version
		}
	}
	return found
}

func checkPackages(t *testing.T, document []byte, want map[string]string) {
	t.Helper()
	if found := packagesOf(t, document); !maps.Equal(found, want) {
		t.Errorf("found %d packages, dpkg-query %d:\n%v\n%v", len(found), len(want), found, want)
	}
}

// Attestations that are not published are still in the manifest.
func TestUnpublishedAttestations(t *testing.T) {
	env := shared
	for which, test := range map[string]struct {
		parameter any
		published []string
	}{
		"none":     {[]string{}, nil},
		"onlysbom": {"sbom", []string{api.AttestationSBOM}},
	} {
		t.Run(which, func(t *testing.T) {
			env.prepare(t, "unpublished-"+which, hello, map[string]any{"ATTESTATIONS": test.parameter})
			built := env.MustBuild(t)
			var published []string
			record := env.record(t)
			for _, a := range record.Attestations {
				if a.Referrer != "" {
					published = append(published, a.Name)
				}
			}
			if len(record.Attestations) != 2 || !slices.Equal(published, test.published) {
				t.Errorf("attestations %+v", record.Attestations)
			}
			key := record.Attestations[0].PublicKey
			data := filepath.Join(env.unpackManifest(t, built.BuildName), "data")
			env.openAttestation(t, key, record, data, api.AttestationProvenance, "provenance.sigstore.json")
			if document := env.openAttestation(t, key, record, data, api.AttestationSBOM, "sbom.sigstore.json"); len(packagesOf(t, document)) != 0 {
				t.Errorf("an image of one file has the packages %v", packagesOf(t, document))
			}
			if n := len(env.referrers(t, env.ImageOf("unpublished-"+which), record.ImageDigest)); n != len(test.published) {
				t.Errorf("%d referrers in the registry, want %d", n, len(test.published))
			}
		})
	}
}

// referrers returns the referrers of an image in the registry.
func (env *environment) referrers(t *testing.T, repository, digest string) []v1.Descriptor {
	t.Helper()
	image, err := name.NewDigest(repository + "@" + digest)
	if err != nil {
		t.Fatal(err)
	}
	reader := authn.Basic{Username: env.Registry.Reader().User, Password: env.Registry.Reader().Password}
	index, err := remote.Referrers(image, remote.WithContext(t.Context()), remote.WithAuth(&reader))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	return manifest.Manifests
}

func sum(text string) string {
	hash := sha256.Sum256([]byte(text))
	return hex.EncodeToString(hash[:])
}
