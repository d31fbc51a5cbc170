// Package scan scans the archive of an image for packages: of Linux
// distributions (dpkg, apk, rpm, pacman), and of programs as they are installed
// (Go and Rust binaries, npm, Python, Java, Ruby, .NET). What is read is chosen
// in extractors.go; the parsers are those of google/osv-scalibr.
//
// It runs in a process of its own, see package sbom, and trusts nothing in the
// archive: files are taken out one by one into a scratch folder, by names that
// can't leave it, and only those that an extractor requires. Symbolic links are
// never made. A database of a distribution that can't be read is an error; any
// other file that is not what its name promises is listed in the inventory.
//
// No program is run, and the network is not used.
package scan
