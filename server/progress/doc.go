// Package progress ends an operation that waits for another machine or another
// process and makes no progress: a git host, a registry or a builder that keeps
// its connection open and sends nothing would hold the only build slot for ever.
//
// An operation that may take any time, as long as something happens, runs under
// [WithTimeout]; whatever moves it on calls [Report], or moves its bytes through
// [Reader] or [Writer]. The package trusts its callers to report real progress
// only: a retry, a keep-alive or a heartbeat is none. It starts no goroutine and
// never ends a context without a cause.
package progress
