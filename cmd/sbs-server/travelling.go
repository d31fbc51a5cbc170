package main

import (
	"slices"

	trustdct "github.com/opensbs/sbs/server/signing/dct"
	"github.com/opensbs/sbs/server/signing/manifestkey"
	trustsigstore "github.com/opensbs/sbs/server/signing/sigstore"
	trustsimple "github.com/opensbs/sbs/server/signing/simple"
	"github.com/opensbs/sbs/server/stateimage"
	"github.com/opensbs/sbs/signature/dct"
)

// travelling are the sealed names that go into a state image, as the packages
// that seal under them declare it. Everything else stays on the volume.
func travelling() stateimage.Travelling {
	return slices.Concat(
		manifestkey.Sealed(),
		trustdct.Sealed(),
		trustsigstore.Sealed(),
		trustsimple.Sealed(),
		[]stateimage.Sealed{{Name: dct.RecordPrefix, Merge: dct.MergeRecords}},
	)
}
