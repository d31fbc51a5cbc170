package main

import (
	"slices"

	"github.com/opensbs/sbs/server/parameters"
	trustdct "github.com/opensbs/sbs/server/signing/dct"
	"github.com/opensbs/sbs/server/signing/manifestkey"
	trustsigstore "github.com/opensbs/sbs/server/signing/sigstore"
	trustsimple "github.com/opensbs/sbs/server/signing/simple"
	"github.com/opensbs/sbs/server/stateimage"
	"github.com/opensbs/sbs/server/transfer"
	"github.com/opensbs/sbs/signature/dct"
)

// sealedNames returns all names under which the server seals something, as the
// packages that do so declare them: also which of them travel in a state image.
func sealedNames() stateimage.Declarations {
	return slices.Concat(
		manifestkey.Sealed(),
		trustdct.Sealed(),
		trustsigstore.Sealed(),
		trustsimple.Sealed(),
		parameters.Sealed(),
		transfer.Sealed(),
		// Package signature/dct is the client's too, and knows no state images.
		[]stateimage.Sealed{{Name: dct.RecordPrefix, Travels: true, Merge: dct.MergeRecords}},
	)
}
