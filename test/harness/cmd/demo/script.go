// The demo's script: the guide's commands in the guide's order, then the same
// result once more through the eyes of programs that know nothing of ours.
package main

import (
	"strings"

	"github.com/opensbs/sbs/test/harness"
)

func script(stack *harness.Stack) []step {
	fill := strings.NewReplacer("{image}", stack.Image(), "{base}", stack.BaseImage)
	steps := []step{
		{
			"See what is demanded of base images",
			"A vendor that the server has never met offers the same image three times, signed\n" +
				"in three ways. The policy names a key for each; an image that no rule covers, or\n" +
				"that is not signed as its rule demands, fails the build.",
			"sed -n '/\"BASE_IMAGE_POLICY\"/,/\\]/p' signed-base.json",
		}, {
			"Ask the server for its status",
			"The client shows its certificate and checks the server's. Nothing was given to\n" +
				"the server yet, so the status is empty.",
			"sbs-cli status --env signed-base.json",
		}, {
			"Give the server its parameters",
			"Where the source is, where the image goes, and the credentials for both. The\n" +
				"server checks them and seals them on its volume.",
			"sbs-cli init --env signed-base.json",
		}, {
			"Build",
			"Clone over SSH, verify the base image and pin the Dockerfile to what was verified,\n" +
				"build it, push under two tags, sign both, write the signed manifest. The\n" +
				"log is shown as it grows, [n/5] counts the finished steps.",
			"sbs-cli build --env signed-base.json --follow",
		}, {
			"Ask for the status again",
			"It names the build, the image tag and the key of the manifest.",
			"sbs-cli status --env signed-base.json",
		}, {
			"Get the digest",
			"A deployment names the image by its digest, which cannot point elsewhere later.",
			"sbs-cli get-digest --env signed-base.json",
		}, {
			"Get the manifest and verify it",
			"What an auditor keeps: the source, the log and the facts of the build, signed.",
			"sbs-cli get-manifest --env signed-base.json --verify-manifest",
		}, {
			"Get the public key of the image's signature",
			"What the contract of a deployment names, so that only this image starts there.",
			"sbs-cli get-signed-image-publickey --env signed-base.json",
		}, {
			"Judge 1: docker pulls only what is signed",
			"Docker looks the tag up on the notary server, checks the signatures from the\n" +
				"root key on, and pulls the digest that was signed.",
			"DOCKER_CONTENT_TRUST=1 docker pull {image}:latest",
		}, {
			"Judge 1, the other way round",
			"Another image of the same registry is not signed: docker must refuse it.",
			"if DOCKER_CONTENT_TRUST=1 docker pull {base}; then exit 1; else echo 'refused, as it must be'; fi",
		}, {
			"Judge 2: docker trust shows both tags and the keys",
			"The digest is the one that the server named above.",
			"docker trust inspect --pretty {image}",
		}, {
			"Judge 3: tar and openssl verify the manifest",
			"The signature is hex text, and the message that it signs is the SHA-256 digest\n" +
				"of the inner archive. (The ./ keeps tar from taking a name with a colon for a\n" +
				"file on another host.)",
			`NAME=./$(basename manifest.*.sig.tbz .sig.tbz)
tar -xjf "$NAME.sig.tbz"
openssl dgst -sha256 -binary "$NAME.tbz" > digest.bin
tr a-f A-F < "$NAME.sig" | basenc --base16 --decode > signature.bin
openssl dgst -sha256 -verify "$NAME-public.pem" -signature signature.bin digest.bin
tar -tjf "$NAME.tbz"`,
		}, {
			"For an auditor: a file of public keys",
			"All that somebody who was not here needs to keep, after comparing the ids of the\n" +
				"keys with those that somebody else got.",
			"sbs-cli get-trust --env signed-base.json --output trust.json",
		}, {
			"Verify image, build and source at once",
			"Without a word to the server: the signature, the statements beside the image, the\n" +
				"manifest, and the commit's id, computed anew from the files. Each row says what\n" +
				"it proves.",
			"sbs-cli verify --allow-simulated --trust trust.json --manifest manifest.*.sig.tbz {image}:latest",
		}, {
			"Verify, the other way round",
			"One byte of the manifest is changed: the rows that rest on it must not pass.",
			`cp manifest.*.sig.tbz changed.sig.tbz
tail -c +5000 changed.sig.tbz | head -c 1 | LC_ALL=C tr '\000-\377' '\001-\377\000' |
    dd of=changed.sig.tbz bs=1 seek=4999 conv=notrunc status=none
if sbs-cli verify --allow-simulated --trust trust.json --manifest changed.sig.tbz {image}:latest; then exit 1; else echo 'refused, as it must be'; fi`,
		}, {
			"Run the image",
			"It prints what its Dockerfile made of the repository's greeting.",
			"docker run --rm --network none {image}:latest",
		}, {
			"Leave the machine as it was",
			"The image is removed from the engine; the stack with its folder goes next.",
			"docker image rm --force $(docker image ls --quiet {image} | sort -u)",
		},
	}
	for i := range steps {
		steps[i].commands = fill.Replace(steps[i].commands)
	}
	return steps
}
