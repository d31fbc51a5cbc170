package main

// The steps of the demo: the guide's commands in the guide's order, then the
// verification of the result with programs of other projects.

import (
	"strings"

	"github.com/opensbs/sbs/test/harness"
)

func script(stack *harness.Stack) []step {
	fill := strings.NewReplacer("{image}", stack.Image(), "{base}", stack.BaseImage)
	steps := []step{
		{
			"See what the policy requires of base images",
			"A vendor that the server does not know offers the same image three times, signed\n" +
				"with three methods. The policy names a key for each; an image that no rule covers,\n" +
				"or that is not signed as its rule requires, fails the build.",
			"sed -n '/\"BASE_IMAGE_POLICY\"/,/\\]/p' signed-base.json",
		}, {
			"Ask the server for its status",
			"The client presents its certificate and checks the server's. The server has no\n" +
				"parameters yet, so the status is empty.",
			"sbs-cli status --env signed-base.json",
		}, {
			"Send the parameters to the server",
			"The source repository, the image repository, and the credentials for both. The\n" +
				"server checks them and seals them on its volume.",
			"sbs-cli init --env signed-base.json",
		}, {
			"Build",
			"Clone over SSH, verify the base image and pin the Dockerfile to its digest, build\n" +
				"it, push it under two tags, sign both, write the signed manifest. The client\n" +
				"prints the log while the build runs; [n/5] counts the finished steps.",
			"sbs-cli build --env signed-base.json --follow",
		}, {
			"Ask for the status again",
			"It names the build, the image tag and the key of the manifest.",
			"sbs-cli status --env signed-base.json",
		}, {
			"Get the digest",
			"A deployment names the image by its digest, which is never another image later.",
			"sbs-cli get-digest --env signed-base.json",
		}, {
			"Get the manifest and verify it",
			"An auditor keeps it: the source, the log and the record of the build, signed.",
			"sbs-cli get-manifest --env signed-base.json --verify-manifest",
		}, {
			"Get the public key of the image's signature",
			"The contract of a deployment names it, so that only this image starts there.",
			"sbs-cli get-signed-image-publickey --env signed-base.json",
		}, {
			"Verifier 1: docker pulls signed images only",
			"Docker gets the digest of the tag from the notary server, verifies the signatures\n" +
				"from the root key on, and pulls the digest that was signed.",
			"DOCKER_CONTENT_TRUST=1 docker pull {image}:latest",
		}, {
			"Verifier 1, an unsigned image",
			"Another image of the same registry is not signed: docker must refuse it.",
			"if DOCKER_CONTENT_TRUST=1 docker pull {base}; then exit 1; else echo 'refused, as it must be'; fi",
		}, {
			"Verifier 2: docker trust shows both tags and the keys",
			"The digest is the one that the server returned above.",
			"docker trust inspect --pretty {image}",
		}, {
			"Verifier 3: tar and openssl verify the manifest",
			"The signature is hex text, and the signed message is the SHA-256 digest of the\n" +
				"inner archive. (Without the ./ tar reads a name with a colon as a file on another\n" +
				"host.)",
			`NAME=./$(basename manifest.*.sig.tbz .sig.tbz)
tar -xjf "$NAME.sig.tbz"
openssl dgst -sha256 -binary "$NAME.tbz" > digest.bin
tr a-f A-F < "$NAME.sig" | basenc --base16 --decode > signature.bin
openssl dgst -sha256 -verify "$NAME-public.pem" -signature signature.bin digest.bin
tar -tjf "$NAME.tbz"`,
		}, {
			"For an auditor: a file of public keys",
			"All that an auditor needs to keep, after comparing the ids of the keys with those\n" +
				"that another person got from the server.",
			"sbs-cli get-trust --env signed-base.json --output trust.json",
		}, {
			"Verify image, build and source at once",
			"Without a connection to the server: the signature, the attestations in the\n" +
				"registry, the manifest, and the commit's id, computed again from the files. Each\n" +
				"row has what it proves.",
			"sbs-cli verify --allow-simulated --trust trust.json --manifest manifest.*.sig.tbz {image}:latest",
		}, {
			"Verify, a changed manifest",
			"One byte of the manifest is changed: the rows that depend on it must not pass.",
			`cp manifest.*.sig.tbz changed.sig.tbz
tail -c +5000 changed.sig.tbz | head -c 1 | LC_ALL=C tr '\000-\377' '\001-\377\000' |
    dd of=changed.sig.tbz bs=1 seek=4999 conv=notrunc status=none
if sbs-cli verify --allow-simulated --trust trust.json --manifest changed.sig.tbz {image}:latest; then exit 1; else echo 'refused, as it must be'; fi`,
		}, {
			"Run the image",
			"It prints the repository's greeting.",
			"docker run --rm --network none {image}:latest",
		}, {
			"Clean up",
			"The image is removed from the engine; the stack and its folder are removed next.",
			"docker image rm --force $(docker image ls --quiet {image} | sort -u)",
		},
	}
	for i := range steps {
		steps[i].commands = fill.Replace(steps[i].commands)
	}
	return steps
}
