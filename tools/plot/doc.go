// Command plot draws the results of the benchmarks: the ratios with their goals, and the
// server's figures over the number of builds on record. make bench runs it.
//
//	cd tools/plot && go run . ../../docs/bench
//
// It reads results.json in that folder, and writes the files ratios and growth there, as
// .svg and .png. It is a separate module, so that the product doesn't depend on the
// libraries that draw. It trusts the file. It does not decide whether a goal is met: the
// table of test/bench shows that.
package main
