package main

import (
	"fmt"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/server/baseimage"
	"github.com/opensbs/sbs/signature/bundle"
	"github.com/opensbs/sbs/signature/dct"
	"github.com/opensbs/sbs/signature/notary"
	"github.com/opensbs/sbs/signature/sigstore"
	"github.com/opensbs/sbs/signature/simple"
)

// baseVerifiers returns the verifiers of base images, by method. memory stores the
// rollback state of trust data, sealed.
func baseVerifiers(memory dct.StateStore) baseimage.Verifiers {
	return baseimage.Verifiers{
		api.BaseDigest: baseimage.Reviewed,
		api.SigningDCT: func(rule api.BaseRule) (baseimage.Verifier, error) {
			if err := notary.CheckServer(rule.Server); err != nil {
				return nil, err
			}
			root, err := dct.ParseRoot(string(rule.Key))
			return dct.Verifier{Server: rule.Server, Root: root, States: memory}, err
		},
		api.SigningSimple: func(rule api.BaseRule) (baseimage.Verifier, error) {
			if rule.Lookaside != "" {
				if err := simple.CheckLookaside(rule.Lookaside); err != nil {
					return nil, fmt.Errorf("lookaside: %w", err)
				}
			}
			key, err := simple.ParseKey([]byte(rule.Key))
			return simple.Verifier{Key: key, Lookaside: rule.Lookaside}, err
		},
		api.SigningSigstore: func(rule api.BaseRule) (baseimage.Verifier, error) {
			key, err := bundle.ParseKey([]byte(rule.Key))
			return sigstore.Verifier{Key: key}, err
		},
	}
}
