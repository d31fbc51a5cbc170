package pipeline

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/opensbs/sbs/api/record"
)

// operatorAnchors returns the trust anchors of the operator as every record has them:
// names and digests, without the texts.
func (c Config) operatorAnchors() []record.Anchor {
	anchors := []record.Anchor{}
	for _, given := range []struct {
		name string
		text []byte
	}{{record.AnchorKnownHosts, c.KnownHosts}, {record.AnchorCABundle, c.CABundle}} {
		if len(given.text) > 0 {
			digest := sha256.Sum256(given.text)
			anchors = append(anchors, record.Anchor{Name: given.name, SHA256: hex.EncodeToString(digest[:])})
		}
	}
	return anchors
}
