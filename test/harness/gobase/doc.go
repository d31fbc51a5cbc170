// Package gobase makes a base image for building Go programs.
//
// It trusts the machine that it runs on: the image is a copy of the machine's Go,
// its static busybox and its CA certificates. It contacts no registry.
package gobase
