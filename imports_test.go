package sbs

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/opensbs/sbs/"

// mayImport lists the packages of this module that a package may import. Imports have one
// direction, cmd → server | client → signature → api; enclave imports none of these. A
// package that is not listed is an error, so that a new one is added here.
var mayImport = map[string][]string{
	"api":                        {"api/public"},
	"api/attestation":            {},
	"api/ctxio":                  {},
	"api/manifest":               {"api/ctxio", "api/manifest/bzip2"},
	"api/manifest/bzip2":         {},
	"api/provenance":             {},
	"api/public":                 {},
	"api/record":                 {},
	"buildinfo":                  {},
	"envname":                    {},
	"enclave":                    {},
	"server":                     {"api", "api/attestation", "api/manifest", "api/public", "server/history", "server/job", "server/metrics", "server/objectstore", "server/parameters", "server/stateimage", "server/transfer", "server/volume"},
	"server/baseimage":           {"api", "server/builder", "server/dockerfile", "signature", "signature/registry"},
	"server/builder":             {"api"},
	"server/builder/solve":       {"api", "server/builder", "server/progress"},
	"server/buildkit":            {"server/builder", "server/builder/solve", "server/panics", "server/progress"},
	"server/buildkitd":           {"server/daemon", "server/process"},
	"server/buildlog":            {"api"},
	"server/diskspace":           {"api", "server/history", "server/volume"},
	"server/daemon":              {"server/process"},
	"server/dockerd":             {"server/daemon", "server/process"},
	"server/dockerfile":          {"server/process"},
	"server/engine":              {"api", "server/builder", "server/builder/solve", "server/dockerfile", "server/progress"},
	"server/history":             {"api", "api/record", "server/volume"},
	"server/job":                 {"api", "api/record"},
	"server/metrics":             {"api", "server/job"},
	"server/objectstore":         {"api", "signature/httpclient"},
	"server/parameters":          {"api", "server/job", "server/source", "server/stateimage", "server/volume", "signature/notary"},
	"server/pipeline":            {"api", "api/manifest", "api/provenance", "api/record", "server/baseimage", "server/buildlog", "server/diskspace", "server/dockerfile", "server/builder", "server/history", "server/job", "server/panics", "server/parameters", "server/progress", "server/push", "server/sbom", "server/source", "server/signing", "server/signing/manifestkey", "server/volume", "signature"},
	"server/process":             {},
	"server/panics":              {},
	"server/progress":            {},
	"server/push":                {"server/panics", "signature", "signature/registry"},
	"server/sbom":                {"server/process"},
	"server/sbom/scan":           {"server/sbom"},
	"server/source":              {"api/public", "server/panics", "server/progress", "server/source/gitconfig", "server/source/gitstore", "server/source/wire", "signature/httpclient"},
	"server/source/gitconfig":    {},
	"server/source/gitstore":     {"server/progress"},
	"server/source/wire":         {},
	"server/stateimage":          {},
	"server/signing":             {"api", "signature"},
	"server/signing/manifestkey": {"server/stateimage"},
	"server/signing/dct":         {"api", "server/stateimage", "server/signing", "signature", "signature/notary"},
	"server/signing/sigstore":    {"api", "server/stateimage", "server/signing", "signature", "signature/bundle", "signature/registry", "signature/sigstore"},
	"server/signing/simple":      {"api", "server/stateimage", "server/signing", "signature/registry", "signature/simple"},
	"server/transfer":            {"api", "server/history", "server/objectstore", "server/parameters", "server/stateimage", "server/volume"},
	"server/volume":              {},
	"signature":                  {"api"},
	"signature/bundle":           {"api/public"},
	"signature/httpclient":       {"api/public"},
	"signature/dct":              {"api", "api/public", "signature", "signature/notary"},
	"signature/notary":           {"signature", "signature/httpclient"},
	"signature/registry":         {"signature", "signature/httpclient"},
	"signature/sigstore":         {"api", "signature", "signature/bundle", "signature/registry"},
	"signature/simple":           {"api", "api/public", "signature", "signature/registry"},
	"client":                     {"api", "api/attestation", "api/manifest", "client/atomicfile", "client/certs"},
	"client/advice":              {},
	"client/atomicfile":          {},
	"client/attest":              {"api/attestation", "api/public", "client/advice", "client/contract", "client/strictjson"},
	"client/strictjson":          {"client/advice"},
	"client/verify":              {"api", "api/manifest", "api/provenance", "api/public", "api/record", "client/advice", "client/signedmanifest", "client/sourcecheck", "client/strictjson", "signature", "signature/bundle", "signature/dct", "signature/notary", "signature/registry", "signature/sigstore", "signature/simple"},
	"client/certs":               {"api/public", "client/advice", "client/atomicfile"},
	"client/sourcecheck":         {"api/ctxio"},
	"client/config":              {"api", "client/advice", "client/atomicfile", "client/certs"},
	"client/contract":            {"api", "api/public", "client/advice"},
	"client/instanceenv":         {"api/public", "client/advice", "client/certs"},
	"client/signedmanifest":      {"api/ctxio", "api/manifest", "api/public", "api/record", "client/advice", "client/atomicfile", "client/sourcecheck"},
	"cmd/sbs-cli":                {"api", "api/manifest", "api/public", "buildinfo", "client", "client/advice", "client/atomicfile", "client/attest", "client/certs", "client/config", "client/contract", "client/instanceenv", "client/signedmanifest", "client/verify", "envname", "signature"},
	"cmd/sbs-server":             {"api", "api/attestation", "api/public", "buildinfo", "enclave", "envname", "server", "server/baseimage", "server/buildkit", "server/buildkitd", "server/dockerd", "server/dockerfile", "server/engine", "server/history", "server/job", "server/objectstore", "server/parameters", "server/pipeline", "server/process", "server/push", "server/sbom", "server/sbom/scan", "server/signing/dct", "server/signing/manifestkey", "server/signing/sigstore", "server/signing/simple", "server/source", "server/stateimage", "server/transfer", "server/volume", "signature/bundle", "signature/dct", "signature/httpclient", "signature/notary", "signature/sigstore", "signature/simple"},
}

// anything lists folders that are not part of the product: they may import its packages,
// and none of its packages may import them.
var anything = []string{"deploy/", "test/", "tools/"}

// Every package imports only what mayImport lists.
func TestImportsPointOneWay(t *testing.T) {
	seen := map[string]bool{}
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == "testdata" || name != "." && strings.HasPrefix(entry.Name(), ".")) {
			return fs.SkipDir
		}
		if path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		from := filepath.ToSlash(filepath.Dir(name))
		seen[from] = true
		checkImports(t, name, from)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range mayImport {
		if !seen[name] {
			t.Errorf("package %s is listed in mayImport, but doesn't exist", name)
		}
	}
}

func checkImports(t *testing.T, name, from string) {
	if slices.ContainsFunc(anything, func(prefix string) bool { return strings.HasPrefix(from, prefix) }) {
		return
	}
	allowed, listed := mayImport[from]
	if !listed {
		t.Errorf("%s: package %s is not listed in mayImport", name, from)
		return
	}
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		to, ours := strings.CutPrefix(imported, module)
		if ours && !slices.Contains(allowed, to) {
			t.Errorf("%s: package %s may not import %s", name, from, to)
		}
	}
}
