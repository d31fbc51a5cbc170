//go:build stack

package main

import "testing"

// These scripts need programs that not every machine has.
func TestStackScripts(t *testing.T) { runScripts(t, "testdata/stack") }
