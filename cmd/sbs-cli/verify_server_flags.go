package main

// The flags of attest: what a policy says, one by one.

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/opensbs/sbs/client/advice"
	"github.com/opensbs/sbs/client/attest"
)

func policyFlags() []cli.Flag {
	return []cli.Flag{
		policyFlag(),
		&cli.StringSliceFlag{Name: "require", Usage: "accept this `KIND` of evidence: hpcr, tdx, sev-snp, simulated (default: all but simulated)"},
		&cli.StringFlag{Name: "contract", Usage: "hpcr: user-data `FILE` as it was deployed", TakesFile: true},
		&cli.StringFlag{Name: "plain-contract", Usage: "hpcr: the same `FILE` with its sections in clear", TakesFile: true},
		&cli.StringFlag{Name: "certificate", Usage: "hpcr: `FILE` of the attestation certificate", TakesFile: true},
		&cli.StringSliceFlag{Name: "chain", Usage: "hpcr: `FILE` of certificates above it", TakesFile: true},
		&cli.StringFlag{Name: "root", Usage: "hpcr: `FILE` of the root certificate", TakesFile: true},
		&cli.StringSliceFlag{Name: "revocation-list", Usage: "hpcr: `FILE` of a revocation list", TakesFile: true},
		&cli.StringFlag{Name: "attestation-key", Usage: "hpcr: `FILE` of the private key that the record is encrypted to", TakesFile: true},
		&cli.StringFlag{Name: "mrtd", Usage: "tdx: the expected MRTD in `HEX`"},
		&cli.StringSliceFlag{Name: "rtmr", Usage: "tdx: the expected RTMRs in `HEX`, in their order"},
		&cli.StringFlag{Name: "measurement", Usage: "sev-snp: the expected measurement in `HEX`"},
		&cli.BoolFlag{Name: "firmware-only", Usage: "tdx, sev-snp: do without a measurement of kernel and command line"},
		&cli.BoolFlag{Name: "kernel-hashes", Usage: "sev-snp: the measurement was computed with the hashes of kernel, initial RAM disk and command line"},
	}
}

// overrule lets flags say what the policy leaves open or says otherwise.
func overrule(policy *attest.Policy, c *cli.Context) error {
	if kinds := c.StringSlice("require"); len(kinds) > 0 {
		if err := attest.CheckKinds(kinds); err != nil {
			return usageError{fmt.Errorf("--require: %w", err), advice.Next(err)}
		}
		policy.Require = kinds
	}
	hpcr := attest.HPCR{}
	if policy.HPCR != nil {
		hpcr = *policy.HPCR
	}
	given := false
	for name, field := range map[string]*string{
		"contract": &hpcr.Contract, "plain-contract": &hpcr.PlainContract, "certificate": &hpcr.Certificate,
		"root": &hpcr.Root, "attestation-key": &hpcr.AttestationKey,
	} {
		if value := c.String(name); value != "" {
			*field, given = value, true
		}
	}
	for name, field := range map[string]*[]string{"chain": &hpcr.Chain, "revocation-list": &hpcr.RevocationLists} {
		if values := c.StringSlice(name); len(values) > 0 {
			*field, given = values, true
		}
	}
	if given {
		policy.HPCR = &hpcr
	}
	return overruleMeasurements(policy, c)
}

func overruleMeasurements(policy *attest.Policy, c *cli.Context) error {
	var failed error
	measurement := func(name, text string) (value attest.Hex) {
		err := value.UnmarshalText([]byte(text))
		if err == nil && text != "" && len(value) != attest.MeasurementSize {
			err = fmt.Errorf("it has %d bytes, a measurement has %d", len(value), attest.MeasurementSize)
		}
		if err != nil {
			failed = usageError{fmt.Errorf("--%s: %w", name, err), "give it as hex digits"}
		}
		return value
	}
	tdx, snp := attest.TDX{}, attest.SEVSNP{}
	if policy.TDX != nil {
		tdx = *policy.TDX
	}
	if policy.SEVSNP != nil {
		snp = *policy.SEVSNP
	}
	if text := c.String("mrtd"); text != "" {
		tdx.MRTD = measurement("mrtd", text)
	}
	if texts := c.StringSlice("rtmr"); len(texts) > 0 {
		tdx.RTMRs = nil
		for _, text := range texts {
			tdx.RTMRs = append(tdx.RTMRs, measurement("rtmr", text))
		}
	}
	if text := c.String("measurement"); text != "" {
		snp.Measurement = measurement("measurement", text)
	}
	if c.Bool("firmware-only") {
		tdx.FirmwareOnly, snp.FirmwareOnly, snp.KernelHashes = true, true, false
	}
	if c.Bool("kernel-hashes") {
		snp.KernelHashes, snp.FirmwareOnly = true, false
	}
	if policy.TDX != nil || c.String("mrtd") != "" || len(c.StringSlice("rtmr")) > 0 {
		policy.TDX = &tdx
	}
	if policy.SEVSNP != nil || c.String("measurement") != "" {
		policy.SEVSNP = &snp
	}
	switch {
	case failed != nil:
	case c.Bool("firmware-only") && policy.TDX == nil && policy.SEVSNP == nil:
		failed = usageError{errors.New("--firmware-only: there is no measurement that it applies to"), "give --mrtd, --measurement, or a policy with tdx or sev-snp"}
	case c.Bool("kernel-hashes") && policy.SEVSNP == nil:
		failed = usageError{errors.New("--kernel-hashes: there is no measurement that it applies to"), "give --measurement, or a policy with sev-snp"}
	case policy.TDX != nil && len(policy.TDX.RTMRs) > attest.MaxRTMRs:
		failed = usageError{fmt.Errorf("--rtmr: %d are given, there are %d", len(policy.TDX.RTMRs), attest.MaxRTMRs), "give them in their order"}
	}
	return failed
}
