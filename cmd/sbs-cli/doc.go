// Command sbs-cli is the developer's and the auditor's side of the Secure Build
// Server: it makes the certificates, configures the build, follows the build, and
// verifies its result. Its commands and files are those of the stock client of
// Hyper Protect Secure Build.
//
// The commands are thin: package client and what is beneath it do the work.
// Data goes to stdout, everything for people to stderr; a secret goes to
// neither. Exit codes: 0 done, 1 failed, 2 wrong usage.
package main
