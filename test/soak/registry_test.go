//go:build stack

package soak

import (
	"regexp"

	"github.com/opensbs/sbs/test/gate"
)

func (env *environment) registryGate() *gate.Gate { return env.Gates.Registry }

// registryDown: the registry that is pushed to can't be reached. Base images are pulled
// from another one.
var registryDown = fault{
	name: "registry down",
	moments: []moment{
		fromTheBeginning((*environment).registryGate),
		when("at a layer", "POST /v2/"+imageName+"/blobs/uploads/", (*environment).registryGate),
		when("at the image's manifest", "PUT /v2/"+imageName+"/manifests/", (*environment).registryGate),
		when("at a signature", "PUT /v2/"+imageName+"/manifests/sha256-", (*environment).registryGate),
	},
	commands: []string{"docker push 127.0.0.1:", "podman image sign ", "cosign sign ", "cosign attest "},
	cause:    regexp.MustCompile(`127\.0\.0\.1:\d+.*` + lost),
}
