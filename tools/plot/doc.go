// Command plot draws what the benchmarks found: the ratios with their goals, and
// what becomes of the server as its history grows. make bench runs it.
//
//	cd tools/plot && go run . ../../docs/bench
//
// It reads results.json in that folder and writes ratios and growth beside it, as
// .svg and .png. It is a module of its own, so that the product does without the
// libraries that draw. It trusts the file, and decides nothing: whether a goal is
// met stands in the table.
package main
