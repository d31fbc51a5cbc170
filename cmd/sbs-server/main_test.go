package main

import (
	"testing"

	"go.uber.org/goleak"
)

// What a test starts has ended when the tests have.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m,
		// The registry's, which has no way to end it.
		goleak.IgnoreTopFunction("github.com/docker/go-events.(*Broadcaster).run")) }
