package attest

import "github.com/opensbs/sbs/client/advice"

// Codes of the advice on refusals that another policy would avoid.
const (
	Simulated    advice.Code = "attest: simulated"
	EnvEncrypted advice.Code = "attest: env encrypted"
)
