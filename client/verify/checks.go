package verify

// The table of checks, in the order in which they are made and shown, with what each
// of them proves.

import (
	"context"

	"github.com/opensbs/sbs/api"
)

// Parts that an auditor can leave out, besides the signing methods.
const (
	PartManifest   = "manifest"
	PartProvenance = "provenance"
	PartSBOM       = "sbom"
)

func parts() []string {
	return []string{
		api.SigningDCT, api.SigningSimple, api.SigningSigstore, api.SigningSigstoreLegacy,
		PartManifest, PartProvenance, PartSBOM,
	}
}

// Names of checks.
const (
	checkImage      = "image"
	checkTag        = "tag"
	checkSignature  = "signature " // and the signing method
	checkManifest   = "manifest"
	checkBuild      = "build record"
	checkCommit     = "commit"
	checkProvenance = "provenance"
	checkBuilder    = "builder"
	checkSource     = "source"
	checkLog        = "build log"
	checkBases      = "base images"
	checkSBOM       = "bill of materials"
	checkCopies     = "copies"
)

// check is one row of the table.
type check struct {
	name   string
	part   string   // by which it is left out; "": never
	needs  []string // checks that must have passed
	proves string
	run    func(ctx context.Context, a *audit) (found string, err error)
}

func checks() []check {
	image, manifest, build := []string{checkImage}, []string{checkManifest}, []string{checkImage, checkManifest, checkBuild}
	return []check{
		{checkImage, "", nil,
			"which image the rows below are about; that much is only the registry's word", findImage},

		{checkSignature + api.SigningDCT, api.SigningDCT, image,
			"the server released this image under this name, by the notary server's trust data", checkDCT},
		{checkSignature + api.SigningSimple, api.SigningSimple, image,
			"the server released this image under this name", checkSimple},
		{checkSignature + api.SigningSigstore, api.SigningSigstore, image,
			"the server released this image, under whatever name", checkSigstore},
		{checkSignature + api.SigningSigstoreLegacy, api.SigningSigstoreLegacy, image,
			"the server released this image in this repository", checkSigstoreLegacy},

		{checkManifest, PartManifest, nil,
			"the server wrote the manifest, and nobody changed it since", openManifest},
		{checkBuild, PartManifest, []string{checkImage, checkManifest},
			"the manifest is that of the build which made this image", checkRecord},
		{checkCommit, PartManifest, manifest,
			"the files in the manifest are those of the recorded commit, to the bit: reviewing the one is reviewing the other", checkCommitID},

		{checkProvenance, PartProvenance, image,
			"the server states how it built this image", openProvenance},
		{checkBuilder, PartProvenance, []string{checkProvenance},
			"the server that states it is the expected one, in that kind of enclave", checkBuilderID},
		{checkSource, PartProvenance, []string{checkProvenance},
			"the image was built from that commit of the expected repository", checkSourceOf},

		{checkLog, PartManifest, append(build, checkProvenance),
			"the log in the manifest is the one of this build", checkLogDigest},
		{checkBases, PartManifest, build,
			"which images from outside went into it, by digest, and which of them were verified before", checkBaseImages},

		{checkSBOM, PartSBOM, image,
			"which packages the server found in this image", openSBOM},
		{checkCopies, PartManifest, build,
			"the manifest's copies of the attestations are those in the registry", checkCopiesAgree},

		{checkTag, "", image,
			"the tag was given to this image by the server, now or earlier", checkTagIsSigned},
	}
}
