package signing

// What every signer gets.

import (
	"github.com/opensbs/sbs/api"
	"github.com/opensbs/sbs/signature"
)

// Request has what to sign, and how to access the servers. Signers ignore what they do
// not need.
type Request struct {
	// Image is what gets signed.
	Image Image
	// Account is that of the registry. It is sent only to a server that requests
	// it, or to the token server that such a server names.
	Account api.RegistryAccount
	// CABundle holds PEM certificates of CAs that are trusted for the server that
	// takes the signature, in addition to the system's; it may be empty.
	CABundle []byte
	// Insecure are registries, as host[:port], that may be talked to without TLS
	// or with a certificate that nobody vouches for. For a laboratory only.
	Insecure []string
	// Notary is the notary server of Docker Content Trust, https://host[:port]
	// or host[:port]; http:// is taken for loopback only.
	Notary string
	// Progress and Notice are those of signature.Access.
	Progress func()
	Notice   func(text string)
}

// Access returns how the registry is accessed.
func (r Request) Access() signature.Access {
	return signature.Access{User: r.Account.User, Password: r.Account.Password, CABundle: r.CABundle, Insecure: r.Insecure, Progress: r.Progress, Notice: r.Notice}
}
