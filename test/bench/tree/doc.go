// Package tree generates source trees and histories for measurements: of a given size,
// the same in every run, and without content of other authors.
//
// Random files represent images and archives in a repository; texts represent source
// code, and are made of words, so that they compress about as well. The package writes
// only below the given folder.
package tree
