// Package envname finds misspelled names of environment variables: SBS_CA_BUNDEL
// would be silently ignored, and so would the intended setting.
//
// It trusts nothing, and never sees a value: they may be secrets.
package envname
