// Package contract writes the parts of a deployment's contract that follow from
// a build: the images section, which names the keys that the runtime demands of
// the image.
//
// It is a pure codec: it touches no key but public ones, no file and no network.
// What it writes is valid by IBM's rules for contracts, or it is an error.
package contract
