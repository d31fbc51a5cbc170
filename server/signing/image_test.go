package signing_test

import (
	"strings"
	"testing"

	"github.com/opensbs/sbs/server/signing"
)

func TestImageValidate(t *testing.T) {
	sound := signing.Image{
		Repository: "docker.io/ns/app",
		Tags:       []string{"v1-0123abc", "latest"},
		Digest:     "sha256:" + strings.Repeat("0a", 32),
		Size:       528,
	}
	tests := map[string]struct {
		change func(*signing.Image)
		want   string // part of the error; empty: none
	}{
		"sound":               {func(*signing.Image) {}, ""},
		"host with port":      {func(i *signing.Image) { i.Repository = "127.0.0.1:5000/ns/app" }, ""},
		"no host":             {func(i *signing.Image) { i.Repository = "ns/app" }, "docker.io/ns/app"},
		"library left out":    {func(i *signing.Image) { i.Repository = "docker.io/app" }, "docker.io/library/app"},
		"capital in the name": {func(i *signing.Image) { i.Repository = "docker.io/Ns/app" }, "repository"},
		"climbing path":       {func(i *signing.Image) { i.Repository = "docker.io/../app" }, "repository"},
		"tag in the name":     {func(i *signing.Image) { i.Repository = "docker.io/ns/app:v1" }, "without tag"},
		"no tag":              {func(i *signing.Image) { i.Tags = nil }, "no tag"},
		"bad tag":             {func(i *signing.Image) { i.Tags = []string{"a/b"} }, "a/b"},
		"too many tags":       {func(i *signing.Image) { i.Tags = make([]string, 65) }, "65 tags"},
		"no digest":           {func(i *signing.Image) { i.Digest = "" }, "digest"},
		"short digest":        {func(i *signing.Image) { i.Digest = "sha256:0a" }, "digest"},
		"other algorithm":     {func(i *signing.Image) { i.Digest = "sha512:" + strings.Repeat("0a", 64) }, "sha256"},
		"no size":             {func(i *signing.Image) { i.Size = 0 }, "size"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			image := sound
			test.change(&image)
			err := image.Validate()
			switch {
			case test.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}
