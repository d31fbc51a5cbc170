//go:build stack

package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// These scripts need programs that not every machine has.
func TestStackScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/stack"})
}
