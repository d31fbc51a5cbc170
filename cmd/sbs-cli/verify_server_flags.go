package main

// The flags of attest: the members of a policy, one by one.

import (
	"errors"
	"fmt"
	"reflect"

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

// withFlags returns the policy with what the flags set.
func withFlags(policy attest.Policy, c *cli.Context) (attest.Policy, error) {
	flags := attest.Policy{Require: c.StringSlice("require"), HPCR: &attest.HPCR{
		Contract: c.String("contract"), PlainContract: c.String("plain-contract"),
		Certificate: c.String("certificate"), Chain: c.StringSlice("chain"), Root: c.String("root"),
		RevocationLists: c.StringSlice("revocation-list"), AttestationKey: c.String("attestation-key"),
	}}
	if err := attest.CheckKinds(flags.Require); err != nil {
		return attest.Policy{}, usageError{fmt.Errorf("--require: %w", err), advice.Next(err)}
	}
	if reflect.DeepEqual(*flags.HPCR, attest.HPCR{}) {
		flags.HPCR = nil
	}
	if err := measurementFlags(&flags, c); err != nil {
		return attest.Policy{}, err
	}
	policy = policy.Merge(flags)
	if c.Bool("firmware-only") {
		if policy.TDX == nil && policy.SEVSNP == nil {
			return attest.Policy{}, usageError{errors.New("--firmware-only: there is no measurement that it applies to"), "give --mrtd, --measurement, or a policy with tdx or sev-snp"}
		}
		policy = policy.WithFirmwareOnly()
	}
	if c.Bool("kernel-hashes") {
		if policy.SEVSNP == nil {
			return attest.Policy{}, usageError{errors.New("--kernel-hashes: there is no measurement that it applies to"), "give --measurement, or a policy with sev-snp"}
		}
		policy = policy.WithKernelHashes()
	}
	return policy, nil
}

// measurementFlags adds the measurements that flags name to a policy.
func measurementFlags(policy *attest.Policy, c *cli.Context) error {
	mrtd, err := measurements("mrtd", valueOf(c, "mrtd"))
	if err != nil {
		return err
	}
	rtmrs, err := measurements("rtmr", c.StringSlice("rtmr"))
	if err != nil {
		return err
	}
	if len(rtmrs) > attest.MaxRTMRs {
		return usageError{fmt.Errorf("--rtmr: %d are given, there are %d", len(rtmrs), attest.MaxRTMRs), "give them in their order"}
	}
	launch, err := measurements("measurement", valueOf(c, "measurement"))
	if err != nil {
		return err
	}
	if len(mrtd)+len(rtmrs) > 0 {
		policy.TDX = &attest.TDX{RTMRs: rtmrs}
	}
	if len(mrtd) > 0 {
		policy.TDX.MRTD = mrtd[0]
	}
	if len(launch) > 0 {
		policy.SEVSNP = &attest.SEVSNP{Measurement: launch[0]}
	}
	return nil
}

// valueOf returns the value of a flag, if it was given.
func valueOf(c *cli.Context, name string) []string {
	if value := c.String(name); value != "" {
		return []string{value}
	}
	return nil
}

// measurements parses the values of a flag; an empty one of several means any.
func measurements(name string, texts []string) (values []attest.Hex, err error) {
	values = make([]attest.Hex, len(texts))
	for i, text := range texts {
		err := values[i].UnmarshalText([]byte(text))
		if err == nil && text != "" && len(values[i]) != attest.MeasurementSize {
			err = fmt.Errorf("it has %d bytes, a measurement has %d", len(values[i]), attest.MeasurementSize)
		}
		if err != nil {
			return nil, usageError{fmt.Errorf("--%s: %w", name, err), "give it as hex digits"}
		}
	}
	return values, nil
}
