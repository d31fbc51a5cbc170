// Package gobase makes a base image that Go programs can be built in.
//
// It trusts the machine that it runs on: the image is a copy of the machine's Go,
// its static busybox and its certificate authorities. It asks no registry.
package gobase
