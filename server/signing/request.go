package signing

// What every way of signing is asked.

import "github.com/opensbs/sbs/signature"

// Request says what to sign, and as whom. Methods leave what they do not need.
type Request struct {
	// Image is what gets signed.
	Image Image
	// User and Password are the registry's credentials. They are sent only to
	// a server that asks for them, or to the token server it names.
	User, Password string
	// CABundle holds PEM certificates of authorities that are trusted for the
	// server that takes the signature, beside the system's; it may be empty.
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

// Access is how the registry is talked to.
func (r Request) Access() signature.Access {
	return signature.Access{User: r.User, Password: r.Password, CABundle: r.CABundle, Insecure: r.Insecure, Progress: r.Progress, Notice: r.Notice}
}
