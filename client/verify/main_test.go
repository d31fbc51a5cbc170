package verify_test

import (
	"testing"

	"go.uber.org/goleak"
)

// Tests leak no goroutine.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// The registry's, which has no way to end it.
		goleak.IgnoreTopFunction("github.com/docker/go-events.(*Broadcaster).run"))
}
