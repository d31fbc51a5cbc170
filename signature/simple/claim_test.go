package simple

import (
	"strings"
	"testing"
	"time"
)

var digest = "sha256:" + strings.Repeat("0a", 32)

const signedName = "registry.example.com/ns/app:v1"

// golden is what is signed for the claim, to the byte.
var golden = `{"critical":{"type":"atomic container signature","image":{"docker-manifest-digest":"` + digest +
	`"},"identity":{"docker-reference":"` + signedName + `"}},"optional":{"creator":"sbs-server 1.2.3","timestamp":1700000000}}`

func TestClaim(t *testing.T) {
	claim := Claim{Reference: signedName, Digest: digest}
	text, err := claim.Encode("sbs-server 1.2.3", time.Unix(1700000000, 9))
	if err != nil || string(text) != golden {
		t.Errorf("%v\n%s, want\n%s", err, text, golden)
	}
	for name, text := range map[string]string{
		"ours":             golden,
		"another order":    `{"optional":{},"critical":{"identity":{"docker-reference":"` + signedName + `"},"type":"atomic container signature","image":{"docker-manifest-digest":"` + digest + `"}}} ` + "\n",
		"more is optional": strings.Replace(golden, `"creator"`, `"x":{"y":[1]},"creator"`, 1),
	} {
		if got, err := DecodeClaim([]byte(text)); err != nil || got != claim {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestDecodeClaimRefuses(t *testing.T) {
	replaced := func(old, new string) string {
		if !strings.Contains(golden, old) {
			t.Fatalf("%s is not in the golden payload", old)
		}
		return strings.Replace(golden, old, new, 1)
	}
	for name, text := range map[string]string{
		"nothing":                  "",
		"null":                     "null",
		"a list":                   "[]",
		"cut":                      golden[:len(golden)-1],
		"something after":          golden + "{}",
		"garbage after":            golden + "x",
		"a third member":           replaced(`"optional"`, `"more":{},"optional"`),
		"no optional":              golden[:strings.Index(golden, `,"optional"`)] + "}",
		"twice critical":           replaced(`"optional"`, `"critical":{},"optional"`),
		"another case":             replaced(`"critical"`, `"Critical"`),
		"unknown and critical":     replaced(`"type"`, `"more":1,"type"`),
		"type twice":               replaced(`"type"`, `"type":"","type"`),
		"no type":                  replaced(`"type":"atomic container signature",`, ``),
		"another type":             replaced("atomic container", "cosign container image"),
		"type of another type":     replaced(`"atomic container signature"`, `1`),
		"more in the image":        replaced(`"docker-manifest-digest"`, `"size":1,"docker-manifest-digest"`),
		"more in the identity":     replaced(`"docker-reference"`, `"size":1,"docker-reference"`),
		"no digest":                replaced(`"docker-manifest-digest":"`+digest+`"`, ``),
		"identity is a text":       replaced(`{"docker-reference":"`+signedName+`"}`, `"`+signedName+`"`),
		"a time with a fraction":   replaced("1700000000", "1700000000.5"),
		"a time as text":           replaced("1700000000", `"1700000000"`),
		"a creator that is a list": replaced(`"sbs-server 1.2.3"`, `[]`),
		"too long":                 replaced(`"creator"`, strings.Repeat(" ", maxPayload)+`"creator"`),
	} {
		if got, err := DecodeClaim([]byte(text)); err == nil {
			t.Errorf("%s: taken as %+v", name, got)
		}
	}
}

// FuzzDecodeClaim: what is accepted has the same meaning when it is written as we do.
func FuzzDecodeClaim(f *testing.F) {
	f.Add([]byte(golden))
	f.Add([]byte(`{"critical":{},"optional":{}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		claim, err := DecodeClaim(text)
		if err != nil {
			return
		}
		again, err := claim.Encode("fuzz", time.Unix(1, 0))
		if err != nil {
			t.Fatal(err)
		}
		if read, err := DecodeClaim(again); err != nil || read != claim {
			t.Errorf("%+v came back as %+v, %v", claim, read, err)
		}
	})
}

func TestCovers(t *testing.T) {
	byTag := Claim{Reference: signedName, Digest: digest}
	for _, test := range []struct {
		claim      Claim
		tag, asked string // asked: the repository
		covered    bool
	}{
		{byTag, "v1", "registry.example.com/ns/app", true},
		{byTag, "", "registry.example.com/ns/app", true},
		{byTag, "v2", "registry.example.com/ns/app", false},
		{byTag, "v1", "registry.example.com/ns/other", false},
		{byTag, "", "registry.example.com/ns/other", false},
		{byTag, "", "registry.example.com/ns/ap", false},
		{byTag, "v1", "other.example.com/ns/app", false},
		{Claim{"registry.example.com/ns/app@" + digest, digest}, "", "registry.example.com/ns/app", true},
		{Claim{"registry.example.com/ns/app@" + digest, digest}, "v1", "registry.example.com/ns/app", false},
		{Claim{"registry.example.com/ns/app", digest}, "latest", "registry.example.com/ns/app", false},
		{Claim{"busybox:latest", digest}, "latest", "docker.io/library/busybox", false},
		{Claim{"busybox:latest", digest}, "", "docker.io/library/busybox", false},
		{Claim{"", digest}, "", "docker.io/library/busybox", false},
		{Claim{signedName, "sha256:00"}, "v1", "registry.example.com/ns/app", false},
	} {
		asked := referenceTo(test.asked, test.tag)
		if err := test.claim.covers(asked, digest); (err == nil) != test.covered {
			t.Errorf("%+v for %s: %v", test.claim, asked, err)
		}
	}
}
