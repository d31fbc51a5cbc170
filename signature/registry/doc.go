// Package registry opens one repository of an image registry, for the ways of
// signing that keep their signatures there and for those who check them: with
// the caller's credentials, within bounds, and only as long as the caller's
// context lives.
//
// It trusts the registry to hold what it is given and to be down at any time;
// what it returns is bounded here and verified by the caller. Credentials and
// signatures never travel over plain HTTP except to loopback, whatever a
// challenge or a redirect names, and are never part of an error.
package registry
