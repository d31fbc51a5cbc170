package record

import (
	"bytes"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opensbs/sbs/test/kit/golden"
)

// full is a record with a value in each field.
func full() Record {
	at := time.Date(2021, 2, 10, 15, 37, 37, 178350000, time.UTC)
	r := Record{
		ID: "2021-02-10_15-37-37.178350", Status: "success", Cause: "a cause", TagsMoving: true,
		BuildImageTag: "1.3.0", BuildName: "r.example.com.ns.app.v1-0123456.2021-02-10_15-37-37.178350", ImageTag: "v1-0123456",
		ManifestKeyGen: "soft_crypto", ManifestPublicKey: "manifest.x-public.pem", RootSSHEnabled: true,
		Enclave: "hpcr", Repository: "r.example.com/ns/app",
		Commit: "0123456789abcdef0123456789abcdef01234567", Committed: at.Add(-time.Hour).Truncate(time.Second),
		Submodules:      []Submodule{{Path: "lib", URL: "https://git.example.com/ns/lib.git", Commit: "89abcdef0123456789abcdef0123456789abcdef"}},
		ImageDigest:     "sha256:" + strings.Repeat("a", 64),
		BaseImages:      []BaseImage{{Reference: "docker.io/library/debian:12", Digest: "sha256:" + strings.Repeat("b", 64), Method: "sigstore", KeyID: "key-1"}},
		Downloads:       []Download{{URL: "https://example.com/file", Digest: "sha256:" + strings.Repeat("f", 64)}},
		Signatures:      []Signature{{Method: "simple", PublicKeyID: "key-2", PublicKey: "text"}},
		Attestations:    []Attestation{{Name: "sbom", PredicateType: "https://spdx.dev/Document/v2.3", SHA256: strings.Repeat("c", 64), Referrer: "sha256:" + strings.Repeat("d", 64), PublicKeyID: "key-3", PublicKey: "text"}},
		Parameters:      map[string]any{"GITHUB_URL": "git@git.example.com:ns/app.git", "ARG": map[string]any{"A": "b"}},
		BuildArgs:       map[string]string{"http_proxy": "http://proxy.example.com:3128"},
		OperatorAnchors: []Anchor{{Name: AnchorKnownHosts, SHA256: strings.Repeat("e", 64)}},
		SandboxMissing:  []string{"a user id of its own (the server is not root)"},
		Tools:           map[string]string{"sbs-server": "v1.0.0"},
		Started:         at, Steps: map[string]time.Time{"cleaned up": at.Add(time.Second)}, Finished: at.Add(time.Minute),
	}
	return r
}

// TestFullHasEveryField keeps the golden file complete when a field is added.
func TestFullHasEveryField(t *testing.T) {
	var check func(path string, value reflect.Value)
	check = func(path string, value reflect.Value) {
		switch {
		case value.IsZero():
			t.Errorf("full has no value for %s", path)
		case value.Kind() == reflect.Slice:
			check(path, value.Index(0))
		case value.Kind() == reflect.Struct && value.Type() != reflect.TypeFor[time.Time]():
			for i := range value.NumField() {
				check(path+"."+value.Type().Field(i).Name, value.Field(i))
			}
		}
	}
	check("Record", reflect.ValueOf(full()))
}

func TestGolden(t *testing.T) {
	content, err := Encode(full())
	if err != nil {
		t.Fatal(err)
	}
	want := golden.Check(t, "build.json", content)
	decoded, err := Decode(want)
	if err != nil || !reflect.DeepEqual(decoded, full()) {
		t.Errorf("decoded %+v, %v", decoded, err)
	}
}

// TestFieldsAreDocumented holds the table of fields in docs/manifest.md against
// the type.
func TestFieldsAreDocumented(t *testing.T) {
	content, err := os.ReadFile("../../docs/manifest.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(content), "<!-- fields of build.json -->")
	table, _, closed := strings.Cut(table, "<!-- end of fields -->")
	if !ok || !closed {
		t.Fatal("docs/manifest.md has no table of the fields of build.json")
	}
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)`").FindAllStringSubmatch(table, -1) {
		documented = append(documented, row[1])
	}
	var fields []string
	var collect func(prefix string, of reflect.Type)
	collect = func(prefix string, of reflect.Type) {
		for i := range of.NumField() {
			field := of.Field(i)
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			fields = append(fields, prefix+name)
			if field.Type.Kind() == reflect.Slice && field.Type.Elem().Kind() == reflect.Struct {
				collect(prefix+name+"[].", field.Type.Elem())
			}
		}
	}
	collect("", reflect.TypeFor[Record]())
	if !slices.Equal(fields, documented) {
		t.Errorf("docs/manifest.md has the fields\n%q\nand the type has\n%q", documented, fields)
	}
}

func TestSummaryIsPartOfTheRecord(t *testing.T) {
	whole := reflect.TypeFor[Record]()
	part := reflect.TypeFor[Summary]()
	for i := range part.NumField() {
		field, ok := whole.FieldByName(part.Field(i).Name)
		if !ok || field.Type != part.Field(i).Type || !strings.HasPrefix(field.Tag.Get("json"), part.Field(i).Tag.Get("json")) {
			t.Errorf("%s is not as in Record", part.Field(i).Name)
		}
	}
	content, err := Encode(full())
	if err != nil {
		t.Fatal(err)
	}
	r := full()
	want := Summary{ID: r.ID, Status: r.Status, BuildName: r.BuildName, Repository: r.Repository, ImageDigest: r.ImageDigest, Started: r.Started, Finished: r.Finished}
	if got, err := DecodeSummary(content); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestCloneSharesNothing(t *testing.T) {
	r := full()
	c := r.Clone()
	c.Submodules[0].Path, c.BaseImages[0].Digest, c.Downloads[0].URL, c.Signatures[0].Method, c.Attestations[0].Name, c.OperatorAnchors[0].Name, c.SandboxMissing[0] = "x", "x", "x", "x", "x", "x", "x"
	c.Parameters["GITHUB_URL"], c.BuildArgs["http_proxy"], c.Tools["sbs-server"], c.Steps["cleaned up"] = "x", "x", "x", time.Time{}
	if !reflect.DeepEqual(r, full()) {
		t.Errorf("a change of the clone changed the record: %+v", r)
	}
}

func TestSourceURL(t *testing.T) {
	if url := full().SourceURL(); url != "git@git.example.com:ns/app.git" {
		t.Errorf("got %q", url)
	}
	for _, parameters := range []map[string]any{nil, {"GITHUB_URL": 7}} {
		if url := (Record{Parameters: parameters}).SourceURL(); url != "" {
			t.Errorf("%v: got %q", parameters, url)
		}
	}
}

// FuzzDecode checks that what is decoded is encoded to something that decodes to
// the same bytes again.
func FuzzDecode(f *testing.F) {
	content, err := Encode(full())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content)
	f.Add([]byte(`{"id":"x","unknown":[1,2],"steps":{"a":"2021-02-10T15:37:37Z"}}`))
	f.Add([]byte("null"))
	f.Fuzz(func(t *testing.T, content []byte) {
		r, err := Decode(content)
		if err != nil {
			return
		}
		first, err := Encode(r)
		if err != nil {
			t.Fatalf("a decoded record can't be encoded: %v", err)
		}
		again, err := Decode(first)
		if err != nil {
			t.Fatalf("an encoded record can't be decoded: %v", err)
		}
		second, err := Encode(again)
		if err != nil || !bytes.Equal(first, second) {
			t.Errorf("encoded twice:\n%s\n%s\n%v", first, second, err)
		}
		if _, err := DecodeSummary(first); err != nil {
			t.Errorf("no summary: %v", err)
		}
	})
}
