// Package notaryproxy is a proxy to real notary servers, for tests of a malicious
// or restored notary server: it forwards, records, replays and replaces responses,
// and can switch to another server at the same address. It never creates trust
// data of its own.
package notaryproxy
