package main

import (
	"context"
	"errors"

	"github.com/opensbs/sbs/api/attestation"
	"github.com/opensbs/sbs/enclave"
	"github.com/opensbs/sbs/server"
)

// prover lets the server show the enclave's evidence: records is the folder of
// the runtime's attestation record, "" for the usual one.
func prover(inside *enclave.Enclave, records string) server.Prove {
	machine := enclave.NewMachine(records, enclave.KernelReports())
	return func(ctx context.Context, data [64]byte) (attestation.Proof, error) {
		evidence, err := inside.Evidence(ctx, machine, data)
		if errors.Is(err, enclave.ErrNoEvidence) {
			return attestation.Proof{}, server.ErrNoEvidence
		}
		return attestation.Proof(evidence), err
	}
}
