// Command bench compares the product with the usual tools that do the same job by hand,
// on the local stack. The two runs of a pair follow each other on the same machine, and
// the result is their ratio, so that the machine matters little. make bench runs it;
// docs/performance.md explains each figure.
//
//	go run ./test/bench                          measure everything, print the table
//	go run ./test/bench -only one-file,clone     measure some parts
//	go run ./test/bench -rounds 9                with more pairs
//	go run ./test/bench -out docs/bench          also write results.json and table.md there
//
// It relies on an otherwise idle machine. A goal that is not met is printed, and is not
// an error. It stops everything that it starts and removes everything that it creates,
// except for the files in the folder of -out.
package main
