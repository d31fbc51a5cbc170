package attest

import (
	"testing"

	"go.uber.org/goleak"
)

// Tests leak no goroutine.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
