package dct

// What can go wrong in signing alone, one type for each thing the reader can do
// about it; the rest are types of package signature. Sign puts the GUN and the
// server in front of every one of them.

import (
	"fmt"
	"strings"
)

// ForeignRootError refuses a repository whose root of trust is not ours:
// somebody else made it, or it was made again without this server.
type ForeignRootError struct {
	// Known is the root key id we published before; empty when we never did.
	Known string
	// Found are the root key ids of the repository, the first few of them.
	Found []string
}

func (e *ForeignRootError) Error() string {
	found := "nothing was signed, because the trust data there is rooted in another key (" + strings.Join(e.Found, ", ") + ")"
	if e.Known == "" {
		return found + ": use another repository, or let the notary server's administrator delete this trust data"
	}
	return found + " than the one published from here (" + e.Known +
		"): find out who replaced it, and let the notary server's administrator restore or delete it"
}

// LostError refuses to start a repository again that was published from here
// and is gone from the server.
type LostError struct{}

func (*LostError) Error() string {
	return "nothing was signed, because the trust data published from here is gone: restore the notary server's data, " +
		"or have the operator of this server forget the repository (sbs-server forget-trust-data), after which it is started again and every verifier " +
		"needs its new public key"
}

// KeyStoreError is a failure of the sealed store.
type KeyStoreError struct {
	Operation string
	Err       error
}

func (e *KeyStoreError) Error() string {
	return fmt.Sprintf("sealed key store: %s: %v", e.Operation, e.Err)
}

func (e *KeyStoreError) Unwrap() error { return e.Err }

// MissingKeyError is a repository of ours whose signing key is not in the store.
type MissingKeyError struct{ Err error }

func (e *MissingKeyError) Error() string {
	return fmt.Sprintf("a key is not in the sealed key store: %v: import the state it was exported with", e.Err)
}

func (e *MissingKeyError) Unwrap() error { return e.Err }

// ShadowedError is a tag that was signed, but that verifiers still find under
// another digest, or not at all.
type ShadowedError struct {
	Tag  string
	Role string // where a verifier finds the tag; empty: nowhere
}

func (e *ShadowedError) Error() string {
	if e.Role == "" {
		return "tag " + e.Tag + " was signed, but the notary server does not serve the signature"
	}
	return "tag " + e.Tag + " was signed, but the role " + e.Role + ", which verifiers read first, has another digest for it: " +
		"remove the tag or the delegation there"
}
