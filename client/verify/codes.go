package verify

import "github.com/opensbs/sbs/client/advice"

// Codes of the advice on requests that can't be verified.
const (
	TrustFileUnreadable advice.Code = "verify: trust file unreadable"
	NothingToCheck      advice.Code = "verify: nothing to check" // Request.Skip has it all
)
