package sbom

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdxlib"

	"github.com/opensbs/sbs/signature/bundle"
	"github.com/opensbs/sbs/test/kit/golden"
)

var app = Image{
	Repository: "registry.example.com:5000/bank/app",
	Tag:        "v1-0a0a0a0",
	Digest:     "sha256:" + strings.Repeat("0a", 32),
	Created:    time.Date(2026, 11, 23, 9, 30, 0, 123456000, time.UTC),
	Tool:       "sbs-server-v1",
}

// odd has unusual values as may be found in images.
var odd = Inventory{
	Packages: []Package{
		{Name: "tzdata", Version: "2025b-0+deb12u1", PURL: "pkg:deb/debian/tzdata@2025b-0%2Bdeb12u1?arch=all&distro=bookworm", Path: "/var/lib/dpkg/status"},
		{Name: "@angular/core", Version: "17.0.0", PURL: "pkg:npm/%40angular/core@17.0.0", Path: "/app/node_modules/@angular/core/package.json"},
		{Name: "stdlib", Path: "/usr/bin/app"},
		{Name: "…\n<b>&" + strings.Repeat("x", 500), Version: "\x00\xff", Path: "/weird\nname"},
		{Name: "twin", Version: "1", Path: "/a"},
		{Name: "twin", Version: "1", Path: "/b"},
		{Name: "twin", Version: "1", Path: "/b"},
	},
	Unread: []Unread{{Path: "/app/broken.jar", Reason: "zip: not a valid zip file"}},
}

func document(t testing.TB, image Image, found Inventory) []byte {
	t.Helper()
	text, err := Document(image, found)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// checkSPDX checks a document against the schema of the SPDX specification 2.3, and
// against the rules of SPDX's own tools for identifiers and relationships.
func checkSPDX(t testing.TB, text []byte) {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile("testdata/spdx-schema.json")
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(value); err != nil {
		t.Error(err)
	}
	read, err := spdxjson.Read(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := spdxlib.ValidateDocument(read); err != nil {
		t.Error(err)
	}
	identifiers := map[string]bool{}
	for _, p := range read.Packages {
		if identifiers[string(p.PackageSPDXIdentifier)] {
			t.Errorf("two packages are called %s", p.PackageSPDXIdentifier)
		}
		identifiers[string(p.PackageSPDXIdentifier)] = true
	}
	if len(read.Relationships) != len(read.Packages) {
		t.Errorf("%d relationships of %d packages", len(read.Relationships), len(read.Packages))
	}
}

// TestGolden pins the document to the byte.
func TestGolden(t *testing.T) {
	got := document(t, app, odd)
	checkSPDX(t, got)
	want := golden.Check(t, "golden.spdx.json", got)
	for range 5 {
		shuffled := Inventory{Packages: append(odd.Packages[3:len(odd.Packages):len(odd.Packages)], odd.Packages[:3]...), Unread: odd.Unread}
		if again := document(t, app, shuffled); !bytes.Equal(again, want) {
			t.Fatalf("the order of what was found changes the document:\n%s", again)
		}
	}
}

func TestNothingFound(t *testing.T) {
	text := document(t, app, Inventory{})
	checkSPDX(t, text)
	var read struct {
		Namespace string           `json:"documentNamespace"`
		Packages  []map[string]any `json:"packages"`
	}
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	if len(read.Packages) != 1 || read.Packages[0]["versionInfo"] != app.Tag || !strings.Contains(read.Namespace, strings.Repeat("0a", 32)) {
		t.Errorf("%s", text)
	}
}

// A statement writes its predicate in one form; a document has that form
// already, so that its digest is that of the predicate.
func TestOneFormForFileAndStatement(t *testing.T) {
	text := document(t, app, odd)
	var form bytes.Buffer
	if err := json.NewEncoder(&form).Encode(json.RawMessage(text)); err != nil {
		t.Fatal(err)
	}
	if form.String() != string(text)+"\n" {
		t.Errorf("a statement would hold\n%s instead of\n%s", &form, text)
	}
	if len(text) > bundle.MaxSize {
		t.Errorf("%d bytes", len(text))
	}
}

func TestInventory(t *testing.T) {
	var written bytes.Buffer
	if err := odd.Write(&written); err != nil {
		t.Fatal(err)
	}
	found, err := read(bytes.NewReader(written.Bytes()))
	if err != nil || len(found.Packages) != 6 || len(found.Unread) != 1 {
		t.Errorf("%+v, %v", found, err)
	}
	full := errors.New("disk full")
	if err := odd.Write(broken{full}); !errors.Is(err, full) {
		t.Errorf("error %v", err)
	}
	for name, text := range map[string]string{
		"nothing":  "",
		"no JSON":  "packages",
		"too long": `{"packages":[` + strings.Repeat(" ", maxInventory) + `]}`,
		"too many": `{"packages":[` + strings.Repeat("{},", maxPackages) + `{}]}`,
	} {
		if _, err := read(strings.NewReader(text)); err == nil {
			t.Errorf("%s: read", name)
		}
	}
}

type broken struct{ error }

func (b broken) Write([]byte) (int, error) { return 0, b.error }
