// Package sbom writes the SBOM of an image: an SPDX 2.3 document
// (https://spdx.github.io/spdx-spec/v2.3/) with the image itself and the packages
// that were found in it.
//
// An image is scanned in a process of its own, which package process confines: it
// gets the archive of the image as an open file and an empty folder, and writes
// the inventory. What is in an image is somebody else's, a hundred formats are
// read with some twenty parsers, and none of them needs to be where the keys are.
// Package scan runs in that process; this one starts it, reads the inventory, and
// writes the document.
//
// It trusts nothing that comes out of that process: the output is bounded and
// every text in it is only ever quoted. It reads no clock: the same image,
// inventory and time give the same bytes.
package sbom
