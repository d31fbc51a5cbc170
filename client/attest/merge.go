package attest

import "cmp"

// Merge returns p with what over sets: each field of over that is not empty replaces
// p's. Neither policy is changed.
func (p Policy) Merge(over Policy) Policy {
	return Policy{
		Require: either(over.Require, p.Require),
		HPCR:    merged(p.HPCR, over.HPCR, HPCR.merge),
		TDX:     merged(p.TDX, over.TDX, TDX.merge),
		SEVSNP:  merged(p.SEVSNP, over.SEVSNP, SEVSNP.merge),
	}
}

// WithFirmwareOnly returns p without the requirement of a measurement of kernel and
// command line, in those of its sections that have it.
func (p Policy) WithFirmwareOnly() Policy {
	merged := p.Merge(Policy{})
	if merged.TDX != nil {
		merged.TDX.FirmwareOnly = true
	}
	if merged.SEVSNP != nil {
		merged.SEVSNP.FirmwareOnly, merged.SEVSNP.KernelHashes = true, false
	}
	return merged
}

// WithKernelHashes returns p with SEVSNP.KernelHashes instead of FirmwareOnly, if it
// has that section.
func (p Policy) WithKernelHashes() Policy {
	merged := p.Merge(Policy{})
	if merged.SEVSNP != nil {
		merged.SEVSNP.KernelHashes, merged.SEVSNP.FirmwareOnly = true, false
	}
	return merged
}

// merged returns a copy of the section with what over sets; nil where both are.
func merged[T any](section, over *T, merge func(T, T) T) *T {
	var result T
	switch {
	case section == nil && over == nil:
		return nil
	case over == nil:
		result = *section
	case section == nil:
		result = *over
	default:
		result = merge(*section, *over)
	}
	return &result
}

func (h HPCR) merge(over HPCR) HPCR {
	checksums := h.Checksums
	if len(over.Checksums) > 0 {
		checksums = over.Checksums
	}
	return HPCR{
		Contract:        cmp.Or(over.Contract, h.Contract),
		PlainContract:   cmp.Or(over.PlainContract, h.PlainContract),
		Certificate:     cmp.Or(over.Certificate, h.Certificate),
		Chain:           either(over.Chain, h.Chain),
		Root:            cmp.Or(over.Root, h.Root),
		RevocationLists: either(over.RevocationLists, h.RevocationLists),
		AttestationKey:  cmp.Or(over.AttestationKey, h.AttestationKey),
		Checksums:       checksums,
	}
}

func (t TDX) merge(over TDX) TDX {
	return TDX{
		MRTD:             either(over.MRTD, t.MRTD),
		RTMRs:            either(over.RTMRs, t.RTMRs),
		FirmwareOnly:     over.FirmwareOnly || t.FirmwareOnly,
		MRConfigID:       either(over.MRConfigID, t.MRConfigID),
		MinimumTEETCBSVN: either(over.MinimumTEETCBSVN, t.MinimumTEETCBSVN),
		Root:             cmp.Or(over.Root, t.Root),
		Collateral:       cmp.Or(over.Collateral, t.Collateral),
	}
}

func (s SEVSNP) merge(over SEVSNP) SEVSNP {
	return SEVSNP{
		Measurement:      either(over.Measurement, s.Measurement),
		HostData:         either(over.HostData, s.HostData),
		FirmwareOnly:     over.FirmwareOnly || s.FirmwareOnly,
		KernelHashes:     over.KernelHashes || s.KernelHashes,
		MinimumTCB:       cmp.Or(over.MinimumTCB, s.MinimumTCB),
		MinimumGuestSVN:  cmp.Or(over.MinimumGuestSVN, s.MinimumGuestSVN),
		AllowProvisional: over.AllowProvisional || s.AllowProvisional,
		Product:          cmp.Or(over.Product, s.Product),
		Certificate:      cmp.Or(over.Certificate, s.Certificate),
		Chain:            cmp.Or(over.Chain, s.Chain),
		RevocationList:   cmp.Or(over.RevocationList, s.RevocationList),
	}
}

// either returns the first of the two that is not empty.
func either[S ~[]E, E any](first, second S) S {
	if len(first) > 0 {
		return first
	}
	return second
}
