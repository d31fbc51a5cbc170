package job

import "github.com/opensbs/sbs/api/record"

// The record of a build, and its parts, as package record defines them.
type (
	Record      = record.Record
	Submodule   = record.Submodule
	BaseImage   = record.BaseImage
	Signature   = record.Signature
	Attestation = record.Attestation
)
