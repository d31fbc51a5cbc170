package provenance

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/opensbs/sbs/test/kit/golden"
)

// complete is a predicate that has everything.
func complete() Predicate {
	started := time.Date(2026, 11, 23, 9, 30, 0, 123456000, time.UTC)
	return Predicate{
		BuildDefinition: BuildDefinition{
			BuildType: BuildType,
			ExternalParameters: map[string]any{
				"GITHUB_URL":    "git@git.example.com:bank/app.git",
				"ARG":           map[string]any{"VERSION": "1<2"},
				"ENV_WHITELIST": []any{"LANG", "TZ"},
			},
			InternalParameters: map[string]string{"platform": "linux/s390x"},
			ResolvedDependencies: []Resource{
				{Name: NameSource, URI: "git+ssh://git@git.example.com/bank/app.git", Digest: map[string]string{GitCommit: strings.Repeat("0a", 20)}},
				{Name: NameSubmodule, URI: "git+https://git.example.com/bank/lib.git", Digest: map[string]string{GitCommit: strings.Repeat("0b", 20)}, Annotations: map[string]string{"path": "lib"}},
				{Name: NameBase, URI: "oci://docker.io/library/alpine:3.20", Digest: map[string]string{SHA256: strings.Repeat("0c", 32)}},
			},
		},
		RunDetails: RunDetails{
			Builder:  Builder{ID: BuilderID("simulated"), Version: map[string]string{"sbs-server": "v1", "docker engine": "28.5.2"}},
			Metadata: Metadata{InvocationID: "docker.io.bank.app.v1-0a0a0a0.2026-11-23_09-30-00.123456", StartedOn: started, FinishedOn: started.Add(time.Second)},
			Byproducts: []Resource{
				{Name: NameLog, Digest: map[string]string{SHA256: strings.Repeat("0d", 32)}, MediaType: "text/plain"},
				{Name: NameManifest, URI: "manifest.app.sig.tbz"},
			},
		},
	}
}

// TestGolden pins the form to the byte.
func TestGolden(t *testing.T) {
	got, err := Encode(complete())
	if err != nil {
		t.Fatal(err)
	}
	want := golden.Check(t, "golden.json", got)
	read, err := Parse(want)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(read, complete()) {
		t.Errorf("read %+v", read)
	}
}

func TestAccessors(t *testing.T) {
	p := complete()
	if source, ok := p.Source(); !ok || source.Digest[GitCommit] != strings.Repeat("0a", 20) {
		t.Errorf("source %+v", source)
	}
	if log, ok := p.Byproduct(NameLog); !ok || log.Digest[SHA256] != strings.Repeat("0d", 32) {
		t.Errorf("log %+v", log)
	}
	if _, ok := p.Byproduct(NameSBOM); ok {
		t.Error("it has a bill of materials that nobody put there")
	}
	for id, kind := range map[string]string{BuilderID("contract"): "contract", "https://example.com/builder/contract": "", builders: ""} {
		if got := (Builder{ID: id}).Enclave(); got != kind {
			t.Errorf("%s is of kind %q", id, got)
		}
	}
}

func TestRefused(t *testing.T) {
	for name, change := range map[string]func(p *Predicate){
		"another build type":      func(p *Predicate) { p.BuildDefinition.BuildType = "https://example.com/build@v1" },
		"no parameters":           func(p *Predicate) { p.BuildDefinition.ExternalParameters = nil },
		"another builder":         func(p *Predicate) { p.RunDetails.Builder.ID = "https://example.com/builder/contract" },
		"no kind of enclave":      func(p *Predicate) { p.RunDetails.Builder.ID = builders },
		"no invocation":           func(p *Predicate) { p.RunDetails.Metadata.InvocationID = "" },
		"no start":                func(p *Predicate) { p.RunDetails.Metadata.StartedOn = time.Time{} },
		"an end before the start": func(p *Predicate) { p.RunDetails.Metadata.FinishedOn = time.Unix(1, 0) },
		"no dependencies":         func(p *Predicate) { p.BuildDefinition.ResolvedDependencies = nil },
		"no source":               func(p *Predicate) { p.BuildDefinition.ResolvedDependencies[0].Name = NameSubmodule },
		"no commit": func(p *Predicate) {
			p.BuildDefinition.ResolvedDependencies[0].Digest = map[string]string{SHA256: strings.Repeat("0a", 32)}
		},
		"a base without digest and URI": func(p *Predicate) {
			p.BuildDefinition.ResolvedDependencies[2].Digest, p.BuildDefinition.ResolvedDependencies[2].URI = nil, ""
		},
		"a submodule without digest": func(p *Predicate) { p.BuildDefinition.ResolvedDependencies[1].Digest = nil },
		"a digest that is a word":    func(p *Predicate) { p.BuildDefinition.ResolvedDependencies[2].Digest[SHA256] = "latest" },
		"a digest that is short":     func(p *Predicate) { p.BuildDefinition.ResolvedDependencies[2].Digest[SHA256] = "0a0a" },
		"a log without digest":       func(p *Predicate) { p.RunDetails.Byproducts[0].Digest = nil },
		"a manifest without name":    func(p *Predicate) { p.RunDetails.Byproducts[1].URI = "" },
		"a byproduct without name":   func(p *Predicate) { p.RunDetails.Byproducts[0].Name = "" },
		"too many dependencies": func(p *Predicate) {
			for range maxResources {
				p.BuildDefinition.ResolvedDependencies = append(p.BuildDefinition.ResolvedDependencies, p.BuildDefinition.ResolvedDependencies[0])
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := complete()
			change(&p)
			if _, err := Encode(p); err == nil {
				t.Error("written")
			}
			text, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Parse(text); err == nil {
				t.Error("read")
			}
		})
	}
	good, err := Encode(complete())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"nothing":            "",
		"an unknown member":  strings.Replace(string(good), `"buildType"`, `"more":1,"buildType"`, 1),
		"something after it": string(good) + "{}",
		"too long":           string(good) + strings.Repeat(" ", MaxSize),
	} {
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%s: read", name)
		}
	}
	if _, err := Encode(Predicate{}); err == nil {
		t.Error("an empty predicate was written")
	}
}

// FuzzParse checks that Parse returns for any text, and that what it accepts is written
// and read again as the same.
func FuzzParse(f *testing.F) {
	text, err := Encode(complete())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"buildDefinition":{"externalParameters":{}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Parse(text)
		if err != nil {
			return
		}
		written, err := Encode(p)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(written)
		if err != nil {
			t.Fatal(err)
		}
		rewritten, err := Encode(again)
		if err != nil || !bytes.Equal(rewritten, written) {
			t.Fatalf("%v\n%s\n%s", err, written, rewritten)
		}
	})
}

// A builder may not report the digest of an image that it used. The statement then has
// none, rather than one that was not observed.
func TestBaseImageWithoutDigest(t *testing.T) {
	p := complete()
	p.BuildDefinition.ResolvedDependencies[2].Digest = nil
	text, err := Encode(p)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Parse(text); err != nil || len(again.BuildDefinition.ResolvedDependencies[2].Digest) != 0 {
		t.Errorf("%+v, %v", again, err)
	}
}
