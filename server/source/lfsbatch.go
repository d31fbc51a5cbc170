package source

// What is sent to a server of Git LFS for a batch, and what it replies
// (git-lfs, docs/api/batch.md).

import (
	"encoding/json"
	"errors"
	"fmt"
)

type lfsRequest struct {
	Operation string          `json:"operation"`
	Transfers []string        `json:"transfers"`
	Ref       *lfsReference   `json:"ref,omitempty"`
	Objects   []lfsIdentifier `json:"objects"`
	HashAlgo  string          `json:"hash_algo"`
}

type lfsReference struct {
	Name string `json:"name"`
}

type lfsIdentifier struct {
	OID  string `json:"oid"`
	Size int64  `json:"size"`
}

type lfsReply struct {
	Transfer string `json:"transfer"`
	Objects  []struct {
		lfsIdentifier
		Actions struct {
			Download *lfsAction `json:"download"`
		} `json:"actions"`
		Error *struct {
			Code    int    `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	} `json:"objects"`
	HashAlgo string `json:"hash_algo"`
}

type lfsAction struct {
	Href   string            `json:"href"`
	Header map[string]string `json:"header"`
}

// lfsAnswer is where to get an object, or why not.
type lfsAnswer struct {
	*lfsAction
	err error
}

// readLFSReply returns the objects of a reply by their ids.
func readLFSReply(text []byte) (map[string]lfsAnswer, error) {
	var reply lfsReply
	switch err := json.Unmarshal(text, &reply); {
	case err != nil:
		return nil, fmt.Errorf("batch reply: it is not JSON of the batch API: %w", err)
	case reply.Transfer != "" && reply.Transfer != "basic":
		return nil, fmt.Errorf("batch reply: the server wants the transfer %.50q, and only basic is supported", reply.Transfer)
	case reply.HashAlgo != "" && reply.HashAlgo != "sha256":
		return nil, fmt.Errorf("batch reply: the server wants the hash %.50q, and only sha256 is supported", reply.HashAlgo)
	}
	answers := map[string]lfsAnswer{}
	for _, o := range reply.Objects {
		answer := lfsAnswer{lfsAction: o.Actions.Download}
		switch {
		case o.Error != nil:
			answer.err = fmt.Errorf("the server does not have it, or does not give it: %d %.200s", o.Error.Code, o.Error.Message)
		case answer.lfsAction == nil:
			answer.err = errors.New("the server gives no address to download it from")
		}
		answers[o.OID] = answer
	}
	return answers, nil
}
