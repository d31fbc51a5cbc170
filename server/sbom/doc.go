// Package sbom writes the bill of materials of an image: an SPDX 2.3 document
// (https://spdx.github.io/spdx-spec/v2.3/) with the image itself and the packages
// that were found in it.
//
// Looking through an image is a process of its own: the server's program again,
// with nothing but the archive, a scratch folder and bounds on its memory and
// time. What lies in an image is somebody else's, a hundred forms are read with
// some twenty parsers, and none of them needs to be where the keys are. Package
// scan is what runs in that process; this one starts it, reads its answer, and
// writes the document.
//
// It trusts the program that it starts to be the server's own, and nothing that
// comes out of it: the answer is bounded and every text in it is only ever
// quoted. It reads no clock: the same image, inventory and time give the same
// bytes.
//
// What never happens: nothing in the image is run, nothing is asked of the
// network, and the process gets no environment, no open file but the archive,
// and no more time than the caller's context.
package sbom
