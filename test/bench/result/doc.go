// Package result is what the benchmarks found: samples, the rows and curves they
// make, the file they are kept in and the table that people read.
//
// It is pure: it measures nothing and runs nothing. What it prints of a goal is
// computed from the samples that are printed beside it, so that a goal that is
// not met cannot look as if it were.
package result
