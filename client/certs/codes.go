package certs

import "github.com/opensbs/sbs/client/advice"

// Codes of the advice on certificates that are missing or can't be used.
const (
	NoAuthority         advice.Code = "certs: no authority"          // in the folder
	NoClientCertificate advice.Code = "certs: no client certificate" // in the folder
	ClientExists        advice.Code = "certs: client certificate exists"
	RenewClient         advice.Code = "certs: renew client certificate" // with its authority
	RenewOwnClient      advice.Code = "certs: renew own client certificate"
	NoServerCertificate advice.Code = "certs: no server certificate"
	RenewServer         advice.Code = "certs: renew server certificate"
)
