// Package ctxio makes long reads obey a context. It trusts nothing and reads nothing
// by itself.
package ctxio
