// Package publisher is a vendor of base images: it has its own registry, which
// stores signatures, and keys that the build server does not know. It offers the
// same image three times, each signed with another method.
//
// Its keys are generated for one run, stored in memory only, and sign nothing but
// these images. It trusts the machine it runs on, like all of the harness.
package publisher
