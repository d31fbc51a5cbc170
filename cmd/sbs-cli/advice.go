package main

// What to do next about an error: the line "next:". The packages below client
// return typed errors; the sentences that name commands and flags of this program
// are here.

import (
	"errors"

	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/client"
	"github.com/opensbs/sbs/client/advice"
	"github.com/opensbs/sbs/client/attest"
	"github.com/opensbs/sbs/client/certs"
	"github.com/opensbs/sbs/client/config"
	"github.com/opensbs/sbs/client/verify"
)

// nextStep returns the advice on err, or "".
func nextStep(err error) string {
	var (
		request    *client.Error
		repository *verify.OtherRepositoryError
	)
	switch code := advice.CodeOf(err); {
	case code != "":
		return adviceByCode()[code]
	case errors.As(err, &request):
		return requestAdvice(request)
	case errors.As(err, &repository):
		return repositoryAdvice(repository)
	}
	return advice.Next(err)
}

const renewServer = "run sbs-cli create-server-cert and deploy the server with the new sbs-cli instance-env"

func adviceByCode() map[advice.Code]string {
	return map[advice.Code]string{
		certs.NoAuthority:          "run sbs-cli create-client-cert first, in this folder",
		certs.NoClientCertificate:  "run sbs-cli create-client-cert first; certificates are looked for in the working directory",
		certs.ClientExists:         "go on with them, or run sbs-cli delete-certificates first: a server that is deployed must then be deployed again with the new ones",
		certs.RenewClient:          "run sbs-cli delete-certificates, create-client-cert and create-server-cert, then deploy the server with the new sbs-cli instance-env; its data volume keeps the keys and builds",
		certs.RenewOwnClient:       "replace the files that CAPATH, CAKEYPATH and CLIENT_CRT_KEY name, then " + renewServer,
		certs.NoServerCertificate:  "run sbs-cli create-server-cert first",
		certs.RenewServer:          "run sbs-cli create-server-cert to make it again",
		config.NoFile:              "name the file with --env FILE",
		config.SecretNotStored:     "run sbs-cli update again to store it",
		attest.Simulated:           "to try things out, require it explicitly: --require simulated",
		attest.EnvEncrypted:        "give the contract with its sections in clear as well: --plain-contract FILE, as sbs-cli contract --plain writes it",
		verify.TrustFileUnreadable: "get it again with sbs-cli get-trust, from a server that you trust",
		verify.NothingToCheck:      "remove a --skip",
	}
}

// requestAdvice returns the advice on a request that failed.
func requestAdvice(err *client.Error) string {
	if err.Fault != "" {
		return adviceByFault()[err.Fault]
	}
	if err.Code == api.CodeBadParameter {
		return "correct " + err.Key + " in the configuration"
	}
	return adviceByReply()[err.Code]
}

func adviceByFault() map[client.Fault]string {
	return map[client.Fault]string{
		client.FaultUnknownHost:       "add the server's address and name to /etc/hosts, or correct HOSTNAME",
		client.FaultProxy:             "correct HTTPS_PROXY, or add HOSTNAME to NO_PROXY",
		client.FaultRefused:           "start the server, or correct HOSTNAME and CICD_PORT",
		client.FaultTimeout:           "check that the server runs and that the network lets you through to its port",
		client.FaultUnreachable:       "check HOSTNAME, CICD_PORT and, if you use one, HTTPS_PROXY",
		client.FaultClosed:            "see whether the server still runs; if it always does so at once, it refuses the client certificate",
		client.FaultStreamEnded:       "run sbs-cli status to see how far it got, sbs-cli status --wait to wait for it",
		client.FaultNotTLS:            "correct HOSTNAME and CICD_PORT",
		client.FaultHandshake:         "check HOSTNAME and CICD_PORT: the server there is no Secure Build Server, or does not speak TLS 1.3",
		client.FaultClientCertificate: "use the certificates that the server was deployed with: its CLIENT_CA must be the authority that CAPATH names",
		client.FaultServerName:        "set HOSTNAME to the name in it, or " + renewServer,
		client.FaultServerAuthority:   "use the certificates that the server was deployed with, in the folder where they were made",
		client.FaultServerExpired:     "check this machine's clock; else " + renewServer,
		client.FaultServerCertificate: renewServer,
		client.FaultOtherKey:          "send this server nothing: someone has replaced it since it was attested",
	}
}

func adviceByReply() map[api.Code]string {
	return map[api.Code]string{
		api.CodeBusy:           "wait for the build with sbs-cli status --wait, or stop it with sbs-cli clean",
		api.CodeNotInitialised: "run sbs-cli init first",
		api.CodeIncomplete:     "run sbs-cli update",
		api.CodeForbidden:      "SECRET is not the one that this server knows; older ones are in the copies of the configuration in its folder",
		api.CodeNotFound:       "look at sbs-cli builds: a build must have succeeded, and --build-name be one of this server",
		api.CodeGone:           "sbs-cli builds shows which manifests the server has",
		api.CodeVolume:         "inform the operator of the server; what it reports can be fixed without a restart",
		api.CodeNoEvidence:     "docs/attestation.md lists what a deployment needs to be attested",
		api.CodeInternal:       "look into the server's own log",
		api.CodeStopping:       "try again when the server is up",
	}
}

func repositoryAdvice(err *verify.OtherRepositoryError) string {
	next := "get the trust file of that repository with sbs-cli get-trust"
	if err.Mirror {
		next += "; for a copy of an image of " + err.Trusted + " add --mirror-of " + err.Trusted
	}
	return next
}
