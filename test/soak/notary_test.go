//go:build stack

package soak

import (
	"regexp"

	"github.com/opensbs/sbs/test/gate"
)

func (l *lab) notaryGate() *gate.Gate { return l.notary }

// notaryDown: the notary server can't be reached, or hangs up in the handshake.
var notaryDown = fault{
	name: "notary down",
	moments: []moment{
		fromTheBeginning((*lab).notaryGate),
		when("at its first word", "", (*lab).notaryGate),
	},
	commands: []string{"docker trust sign 127.0.0.1:"},
	cause:    regexp.MustCompile(`127\.0\.0\.1:\d+.*check DOCKER_CONTENT_TRUST_PUSH_SERVER and that the server runs`),
}
