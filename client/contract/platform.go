package contract

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/opensbs/sbs/client/advice"
)

// Platform is a runtime that takes contracts.
type Platform string

// The platforms. They differ in the prefix of encrypted sections, in the
// certificate that these are encrypted to, and in what a workload may be.
const (
	HPVS Platform = "hpvs" // IBM Hyper Protect Virtual Servers
	CCCO Platform = "ccco" // IBM Confidential Computing Containers for Red Hat OpenShift
	CCRT Platform = "ccrt" // IBM Confidential Computing Container Runtime
	CCRV Platform = "ccrv" // the same for Red Hat Virtualization
)

// Prefixes of encrypted sections.
const (
	prefixHyperProtect = "hyper-protect-basic"
	prefixContract     = "contract-basic"
)

// ParsePlatform returns the platform of that name.
func ParsePlatform(name string) (Platform, error) {
	all := []Platform{HPVS, CCCO, CCRT, CCRV}
	if slices.Contains(all, Platform(name)) {
		return Platform(name), nil
	}
	next := "name one of hpvs, ccco, ccrt, ccrv: the runtime that the contract is for"
	if name == "" {
		return "", advice.New(errors.New("the platform of the contract is not named"), next)
	}
	return "", advice.New(fmt.Errorf("there is no platform %q", name), next)
}

func (p Platform) prefix() string {
	if p == CCRT || p == CCRV {
		return prefixContract
	}
	return prefixHyperProtect
}

// checkWorkload refuses what IBM's schema for the platform does not know.
func (p Platform) checkWorkload(w *Workload) error {
	if p == CCRV && w.Compose != nil {
		return advice.New(fmt.Errorf("workload.compose: %s takes no compose file", strings.ToUpper(string(p))), "describe the workload as a pod, in workload.play")
	}
	return nil
}
