//go:build stack

package e2e

import (
	"strings"
	"testing"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/job"
)

// One Dockerfile with base images of several vendors, each with its own signing
// method and key, from a registry that requires a password.
func TestVerifiedBases(t *testing.T) {
	env := shared
	one, other := env.newVendor(t), env.newVendor(t)
	images := map[string]string{} // by signing method, or "other" for the other vendor's
	for _, kind := range []string{"sigstore", "simple", "dct", "digest", "other"} {
		images[kind] = one.image("vendor/" + kind + ":1.0")
		one.push(t, images[kind], "from "+kind)
	}
	one.signSigstore(t, images["sigstore"])
	one.signSimple(t, images["simple"])
	_, root := one.signDCT(t, images["dct"])
	other.signSigstore(t, images["other"])

	address := env.Registry.Address()
	policy := []any{
		map[string]any{"image": address + "/vendor/sigstore:1.0", "method": "sigstore", "key": one.pem},
		map[string]any{"image": address + "/vendor/simple", "method": "simple", "key": one.pgp, "lookaside": one.lookaside},
		map[string]any{"image": address + "/vendor/digest", "method": "digest", "key": one.digest(t, images["digest"])},
		map[string]any{"image": address + "/*/other", "method": "sigstore", "key": other.pem},
		map[string]any{"image": "**", "method": "dct", "key": root, "server": env.Given["DOCKER_CONTENT_TRUST_PUSH_SERVER"]},
	}
	dockerfile := "ARG KIND=simple\nFROM " + images["sigstore"] + " AS first\nRUN echo \"$(cat /vendor).\"\n" +
		"FROM --platform=$BUILDPLATFORM " + address + "/vendor/$KIND:1.0 AS second\nRUN --mount=type=bind,from=" + images["other"] + ",target=/other echo \"$(cat /vendor), $(cat /other/vendor).\"\n" +
		"FROM " + images["dct"] + "\nCOPY --from=" + images["digest"] + " /vendor /digest\nCOPY --from=first /vendor /first\nCOPY --from=1 /vendor /second\n" +
		"RUN echo \"$(cat /vendor), $(cat /digest), $(cat /first), $(cat /second).\"\n"
	env.prepare(t, "verified", files{"Dockerfile": dockerfile}, map[string]any{"BASE_IMAGE_POLICY": policy})
	built := env.MustBuild(t)
	for _, line := range []string{"from sigstore.", "from simple, from other.", "from dct, from digest, from sigstore, from simple."} {
		if !strings.Contains(built.Log(), line) {
			t.Errorf("no step of the build printed %q:\n%s", line, built.Log())
		}
	}
	want := map[string]job.BaseImage{}
	for kind, key := range map[string]string{"sigstore": "", "simple": one.fingerprint, "dct": root, "digest": "", "other": ""} {
		method := kind
		if kind == "other" {
			method = api.SigningSigstore
		}
		want[images[kind]] = job.BaseImage{Reference: images[kind], Digest: one.digest(t, images[kind]), Method: method, KeyID: key}
	}
	record := env.record(t)
	for _, image := range record.BaseImages {
		expected := want[image.Reference]
		if image.Method == api.SigningSigstore && len(image.KeyID) == 64 {
			expected.KeyID = image.KeyID
		}
		if image != expected {
			t.Errorf("the record has %+v, want %+v", image, expected)
		}
	}
	if len(record.BaseImages) != len(want) {
		t.Errorf("the record has %d base images, want %d", len(record.BaseImages), len(want))
	}
}

// The pinned Dockerfile has the same ignore file as the cloned one, and COPY copies
// the cloned Dockerfile.
func TestVerifiedBaseKeepsTheContext(t *testing.T) {
	env := shared
	v := env.newVendor(t)
	image := v.image("vendor/context:1")
	digest := v.push(t, image, "context")
	dockerfile := "FROM " + image + "\nCOPY . /src\nRUN echo \"$(cd /src && echo $(find . -type f | sort)) and $(head -n 1 /src/sub/Dockerfile).\"\n"
	env.prepare(t, "context", files{
		"sub/Dockerfile": dockerfile, "sub/Dockerfile.dockerignore": "hidden\n.git\n", ".dockerignore": "shown\n", "hidden": "", "shown": "",
	}, with(policy(map[string]any{"image": image, "method": "digest", "key": []string{digest}}), "DOCKERFILE_PATH", "sub/Dockerfile"))
	built := env.MustBuild(t)
	if want := "./.dockerignore ./shown ./sub/Dockerfile ./sub/Dockerfile.dockerignore and FROM " + image + "."; !strings.Contains(built.Log(), want) {
		t.Errorf("no step printed %q:\n%s", want, built.Log())
	}
}

// The single parameters of the guide verify base images; those that can't be
// satisfied are refused.
func TestShortFormsVerifyBases(t *testing.T) {
	env := shared
	v := env.newVendor(t)
	image := v.image("vendor/short:1")
	v.push(t, image, "short")
	v.signSigstore(t, image)
	env.prepare(t, "short", files{"Dockerfile": "FROM " + image + "\nRUN true\n"}, map[string]any{"BASE_IMAGE_SIGSTORE_KEY": v.pem})
	env.MustBuild(t)
	if record := env.record(t); len(record.BaseImages) != 1 || record.BaseImages[0].Method != api.SigningSigstore {
		t.Errorf("the record has %+v", record.BaseImages)
	}
	// The stack's registry has no signature extension, and the short form has no
	// parameter for a lookaside store.
	env.checkAttacks(t, []attack{{"short form simple", "FROM " + image + "\n", map[string]any{"ICR_BASE_REPO": image, "BASE_REPO_PUBLIC_KEY": v.pgp, "DOCKER_CONTENT_TRUST_BASE": "True", "DOCKER_CONTENT_TRUST_BASE_SERVER": env.Registry.Address()},
		image, "which keeps none", "skopeo standalone-verify"}})
	for key, changes := range map[string]map[string]any{
		"DOCKER_CONTENT_TRUST_BASE": {"DOCKER_CONTENT_TRUST_BASE": "True"},
		"BASE_IMAGE_POLICY":         policy(map[string]any{"image": "**", "method": "dct", "server": "https://notary.docker.io"}),
		"ICR_BASE_REPO":             {"ICR_BASE_REPO": image, "BASE_REPO_PUBLIC_KEY": "no key"},
		"BASE_IMAGE_SIGSTORE_KEY":   {"BASE_IMAGE_SIGSTORE_KEY": "no key"},
	} {
		reply := env.Request(t, "POST", "/image", string(env.ParametersFor(t, "short", changes)))
		if reply.Code != 400 || reply.Object()["key"] != key {
			t.Errorf("%s: %d %s", key, reply.Code, reply.Text)
		}
	}
}
