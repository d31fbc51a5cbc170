// Package dockerfile finds the images from outside that a Dockerfile names, and
// pins them: it rewrites the Dockerfile so that each is written as
// name@sha256:…, and everything else to the byte as it was.
//
// The builder reads the Dockerfile with a parser of its own, of another version or
// in another image. An image that only that parser sees would be used unverified.
// So what versions of BuildKit's parser since Docker Engine 20.10 read differently
// is refused (control characters, escape directives, flags with quotes or escape
// characters, here-documents in continued lines), or read in both ways (other
// here-documents); and what Pin returns was parsed again and holds no image from
// outside but the pinned ones, each in clear and without an argument. The rewriting
// itself need not be trusted. A test compares what was pinned with what the parser
// of Engine 20.10 sees in it (tools/oldparser).
//
// It trusts BuildKit's parser to read what it is given as its other versions
// do, apart from the differences above. It does not trust a Dockerfile or its
// arguments. It touches no network and no file. BuildKit's parser has panicked on
// input before: the server parses Dockerfiles in a process of its own.
package dockerfile
