// Package buildkit builds images with the server's own BuildKit daemon, which
// server/buildkitd runs. The image comes back as a file; the daemon pushes nothing and
// never has the password of the registry that the image goes to.
//
// Policy: each source from outside is decided by Request.Decide before the daemon uses
// it, as the daemon's own parser of Dockerfiles found it: an image of FROM, COPY --from,
// a mount or an ONBUILD trigger, the frontend of a "# syntax=" line, a URL or a
// repository of ADD. The daemon gets the decided digest, and takes both the image's
// configuration and its layers by it. What is not decided, or can't be decided because
// of an error or a panic, is refused. After the build the sources in the daemon's own
// record are compared with what was decided.
//
// Reproducibility: the files of the context, the new layers and the image have the time
// of the commit, whatever time it is. Layers of base images stay byte for byte. A
// commit from the future is refused, because times are only ever set back.
//
// It trusts the daemon, and nothing that a Dockerfile or its steps write. What a build
// added to the daemon, its record included, is removed after it.
package buildkit
