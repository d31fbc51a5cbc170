//go:build stack

package soak

import (
	"regexp"

	"github.com/opensbs/sbs/test/gate"
)

func (env *environment) notaryGate() *gate.Gate { return env.Gates.Notary }

// notaryDown: the notary server can't be reached, or closes the connection in the
// handshake.
var notaryDown = fault{
	name: "notary down",
	moments: []moment{
		fromTheBeginning((*environment).notaryGate),
		when("at the first byte", "", (*environment).notaryGate),
	},
	commands: []string{"docker trust sign 127.0.0.1:"},
	cause:    regexp.MustCompile(`127\.0\.0\.1:\d+.*check DOCKER_CONTENT_TRUST_PUSH_SERVER and that the server runs`),
}
