// Package push puts an image into a registry: its content first, by digest, and
// its tags at the very end, when everything else is done and was read back. A
// Docker Engine can't do that: it pushes a tag or nothing. So the image is read
// from the archive that docker save wrote.
//
// Layers are compressed once. The digests of the compressed layers are kept in
// memory, by the digest of its content, so that the layers of a base image are
// compressed for the first build only.
//
// It trusts the archive to be an image whose layers have the digests that its
// configuration names, and checks that of each layer that it reads. It trusts
// the registry to be down at any time, and to keep what it is given: what a tag
// leads to is read back.
package push
