package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/opensbs/sbs/client"
	"github.com/opensbs/sbs/client/attest"
	"github.com/opensbs/sbs/client/config"
)

// nonceSize is that of a request for evidence, in bytes.
const nonceSize = 32

func (p program) attest() *cli.Command {
	return command("attest", "check that the server is the enclave it should be", `
Requests evidence of what the server runs in, over a fresh nonce, checks it
without the network, and prints what was checked and what that proves. Nothing
else is sent. The exit code tells whether the server passed.

What is expected is written in a policy file (--policy, or REQUIRE_ATTESTATION in
the configuration), in flags, or in both; docs/attestation.md explains each.

    sbs-cli attest --contract user-data.yaml --plain-contract plain.yaml \
        --certificate attestation.crt --chain intermediate.crt --chain ca.pem --root root.pem
    sbs-cli attest --policy policy.json --json`,
		judging(p.withServer(p.printAttestation)), append(policyFlags(), jsonFlag())...)
}

func policyFlag() cli.Flag {
	return &cli.StringFlag{Name: "policy", Usage: "`FILE` with what the evidence must show", TakesFile: true}
}

// requireFlags are those of the commands that send secrets.
func requireFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "require-attestation", Usage: "send nothing before the server was attested by --policy or REQUIRE_ATTESTATION"},
		policyFlag(),
	}
}

func (p program) printAttestation(c *cli.Context, server *client.Client, settings *config.Config) error {
	configured, err := attestationPolicy(c, settings)
	if err != nil {
		return err
	}
	if configured == nil {
		configured = &attest.Policy{}
	}
	policy, err := withFlags(*configured, c)
	if err != nil {
		return err
	}
	report, failed := p.attestServer(c, server, &policy)
	if report.Kind == "" {
		return failed // there is no evidence
	}
	if c.Bool("json") {
		return errors.Join(failed, p.printJSON(report))
	}
	return errors.Join(failed, p.printFindings(report))
}

// attestationPolicy returns the one that --policy or the configuration names, or nil.
func attestationPolicy(c *cli.Context, settings *config.Config) (*attest.Policy, error) {
	if path := c.String("policy"); path != "" {
		return attest.LoadPolicy(path)
	}
	path, object, err := settings.AttestationPolicy()
	if err != nil {
		return nil, err
	}
	switch {
	case object != nil:
		policy, err := attest.ParsePolicy(object, ".")
		if err != nil {
			return nil, fmt.Errorf("REQUIRE_ATTESTATION: %w", err)
		}
		return policy, nil
	case path != "":
		return attest.LoadPolicy(path)
	}
	return nil, nil
}

// attestServer requests evidence of the server and checks it against the policy. A
// server that passed is pinned: the client then connects only to the holder of its
// key. The report has no kind when there was no evidence.
func (p program) attestServer(c *cli.Context, server *client.Client, policy *attest.Policy) (attest.Report, error) {
	nonce := make([]byte, nonceSize)
	if _, err := rand.Read(nonce); err != nil {
		return attest.Report{}, fmt.Errorf("make nonce: %w", err)
	}
	evidence, peer, err := server.Attestation(c.Context, nonce)
	if err != nil {
		return attest.Report{}, err
	}
	report, err := policy.Check(evidence, attest.Session{Nonce: nonce, Peer: peer, Now: p.now()})
	if err == nil {
		server.Pin(peer)
	}
	return report, err
}

// requireAttestation attests the server before a secret is sent. It does nothing
// unless attestation is required, in the configuration or by a flag.
func (p program) requireAttestation(c *cli.Context, server *client.Client, settings *config.Config) error {
	policy, err := attestationPolicy(c, settings)
	if err != nil {
		return unjudged(err)
	}
	if policy == nil {
		if c.Bool("require-attestation") {
			return usageError{errors.New("--require-attestation: no policy names what the server's evidence must show"), "give --policy FILE, or REQUIRE_ATTESTATION in the configuration; sbs-cli attest tries it out"}
		}
		return nil
	}
	report, err := p.attestServer(c, server, policy)
	if err != nil {
		return unjudged(fmt.Errorf("nothing was sent: %w", err))
	}
	p.inform("attested: the server is the enclave that it should be (%s, %d checks)", report.Kind, len(report.Findings))
	return nil
}

func (p program) printFindings(report attest.Report) error {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CHECK\tFOUND\tPROVES")
	for _, finding := range report.Findings {
		fmt.Fprintf(table, "%s\t%s\t%s\n", finding.Check, short(client.OneLine(finding.Found)), finding.Proves)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	for _, open := range report.Unproven {
		fmt.Fprintf(&text, "not proven: %s\n", open)
	}
	if report.Accepted {
		text.WriteString("accepted\n")
	}
	return p.print(text.String())
}

// short keeps the table's lines readable; --json has all of it.
func short(text string) string {
	const most = 40
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}
