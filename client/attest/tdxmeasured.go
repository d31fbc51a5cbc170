package attest

// What a TDX machine was started with: its measurement registers, and what each
// of them covers.

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/google/go-tdx-guest/abi"
	pb "github.com/google/go-tdx-guest/proto/tdx"
	"github.com/google/go-tdx-guest/validate"
)

// Indices of the run-time measurement registers (RTMR), as TDVF and OVMF extend
// them (Intel TDX Virtual Firmware Design Guide, "Measurement Register Usage").
const (
	rtmrConfiguration = iota
	rtmrKernel
	rtmrCommandLine
	rtmrRuntime
)

// covers returns what a run-time measurement register is about.
func covers(index int) string {
	switch index {
	case rtmrConfiguration:
		return "the configuration of the firmware"
	case rtmrKernel:
		return "the boot loader and the kernel"
	case rtmrCommandLine:
		return "the kernel's command line and initial RAM disk"
	}
	return "what the running system measured itself"
}

// rtmr returns the expected value of a register, empty for any.
func (t *TDX) rtmr(index int) Hex {
	if index < len(t.RTMRs) {
		return t.RTMRs[index]
	}
	return nil
}

// measured compares the registers of a quote with the policy. Each one that is
// pinned gets a row, and each one that is not is reported as not proven.
func (t *TDX) measured(report *Report, quote *pb.QuoteV4) error {
	options := validate.TdQuoteBodyOptions{MrTd: t.MRTD, MrConfigID: t.MRConfigID, MinimumTeeTcbSvn: t.MinimumTEETCBSVN}
	if err := validate.TdxQuote(quote, &validate.Options{TdQuoteBodyOptions: options}); err != nil {
		return refuse(checkMeasurement, err)
	}
	report.pass(checkMeasurement, t.MRTD.String(), "the machine was started with the firmware that the policy names (MRTD); by itself that covers nothing of kernel and command line")
	actual := quote.GetTdQuoteBody().GetRtmrs()
	for i := range MaxRTMRs {
		if err := t.register(report, i, actual); err != nil {
			return refuse(rtmrName(i), err)
		}
	}
	return nil
}

func rtmrName(index int) string { return fmt.Sprintf("%s: RTMR%d", checkMeasurement, index) }

// register compares one run-time measurement register. One that is pinned and
// holds nothing in the evidence is refused, whatever it is pinned to.
func (t *TDX) register(report *Report, index int, actual [][]byte) error {
	want := t.rtmr(index)
	switch {
	case len(want) == 0:
		report.Unproven = append(report.Unproven, fmt.Sprintf("%s: the policy does not pin RTMR%d", covers(index), index))
		return nil
	case index >= len(actual) || len(bytes.Trim(actual[index], "\x00")) == 0:
		return errors.New("the policy pins this register, and the machine measured nothing into it")
	case len(want) != abi.RtmrSize || !bytes.Equal(want, actual[index]):
		return fmt.Errorf("it is %x, the policy has %s", actual[index], want)
	}
	report.pass(rtmrName(index), want.String(), covers(index)+": as the policy names it")
	return nil
}
