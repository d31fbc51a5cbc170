// Package result has the results of the benchmarks: samples, rows and curves of them,
// the file in which they are stored, and the table for people.
//
// It is pure: it measures and runs nothing. Whether a goal is met is always computed from
// the samples in the same row of the table.
package result
