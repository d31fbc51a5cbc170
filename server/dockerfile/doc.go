// Package dockerfile finds the images from outside that a Dockerfile names, and
// pins them: it rewrites the Dockerfile so that each stands there as
// name@sha256:…, and everything else to the byte as it was.
//
// The builder reads the Dockerfile with a parser of its own, of another version
// or in another image. An image that only that parser sees would be built from
// unverified. So what versions of BuildKit's parser since Docker Engine 20.10
// read in different ways is refused (control characters, an escape directive
// behind the first line), or read in both ways (here-documents); and what Pin
// returns was parsed anew and holds no image from outside but the pinned ones,
// each in clear and without an argument. The rewriting itself need not be
// trusted.
//
// It trusts BuildKit's parser to read what it is given as its other versions
// do, apart from the differences above. It does not trust a Dockerfile or its
// arguments. It touches no network and no file, and never panics on input.
package dockerfile
