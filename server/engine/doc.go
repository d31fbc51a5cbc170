// Package engine contains all operations of the build server on a Docker Engine:
// build an image, save it, tag it, remove it. It speaks the Engine's API and,
// inside it, BuildKit's; no docker command is run and no docker configuration file
// is read or written.
//
// It trusts the Engine it is connected to, and the caller for the two paths of
// a build: both must be free of symbolic links, so that a link in a cloned
// repository cannot carry a file of the server into a build. It trusts no text
// of a Dockerfile or a registry: their text reaches the output and the
// error messages, never a decision about what to remove.
//
// What never happens here: credentials are not stored, not printed and not
// given to a registry other than the one they were given for; a build gets no
// entitlement, no secret, no agent and no cache of an earlier build; nothing is
// removed that was not named or made by the same call. When a context ends, the
// call returns within a second and leaves no goroutine and no container.
package engine
