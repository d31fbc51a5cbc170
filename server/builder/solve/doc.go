// Package solve has what every build with BuildKit needs, run by either a
// Docker Engine (server/engine) or the server's own daemon (server/buildkit). It runs
// one build and shows its progress, names the step that failed, hands out the build's
// files and credentials, and ends a cancelled build.
//
// It trusts the BuildKit that it is given to report its own steps, and nothing that a
// step prints. A registry's password goes to BuildKit only when BuildKit asks for that
// registry, and never into an error or the progress.
package solve
