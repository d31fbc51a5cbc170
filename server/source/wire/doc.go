// Package wire speaks the pack protocol of Git as a client that has nothing
// yet: it lists references and receives one pack (gitprotocol-pack,
// gitprotocol-v2).
//
// Version 2 is asked for, because its server sends only the references that are
// asked for and any commit by its id. A server that does not know it replies in
// version 0 or 1, which the package then speaks; those lists are held in memory.
//
// It trusts nothing that it reads: every packet, list and text is bounded, and
// malformed input gives an error. How the packets travel is the caller's: see
// [Connection]. The content of a pack is not read here.
package wire
