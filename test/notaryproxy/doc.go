// Package notaryproxy puts an address before real notary servers, for tests: it
// does to a client what a server, or who sits before one, may do. It passes on,
// notes, replays and swaps; it never makes trust data of its own.
package notaryproxy
