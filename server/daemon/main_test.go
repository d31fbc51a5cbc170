package daemon

import (
	"testing"

	"go.uber.org/goleak"
)

// What a test starts has ended when the tests have.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
