// Package tree makes up source trees and histories to measure with: as large as
// asked for, the same in every run, and never the work of anybody.
//
// What can't be compressed stands for images and archives in a repository, text
// for source code: it is made of words, so that it compresses about as well. It
// writes below the folder that it is given, and nowhere else.
package tree
