// Command bench measures the product beside the usual tools that do the same job
// by hand, on the local stack: two of a pair are done one after the other on the
// same machine, and what counts is the ratio of the two, so that the machine does
// not matter much. make bench runs it; docs/performance.md says what each figure
// means.
//
//	go run ./test/bench                          measure everything, print the table
//	go run ./test/bench -only one-file,clone     measure some parts
//	go run ./test/bench -rounds 9                with more pairs
//	go run ./test/bench -out docs/bench          write results.json and table.md there too
//
// It trusts the machine to do nothing else meanwhile. A goal that is not met is
// printed and is no failure. Nothing that it started or made outlives it but what
// -out names.
package main
