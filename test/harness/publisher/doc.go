// Package publisher is somebody else: a vendor of base images with a registry of
// its own, which keeps signatures, and with keys that the build server has never
// seen. It offers the same image three times, each signed in another way.
//
// Its keys are made for one run, live in memory and sign nothing but these
// images. It trusts the machine it runs on, as all of the harness.
package publisher
