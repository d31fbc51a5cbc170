//go:build !stack

package buildkit

import (
	"testing"

	"go.uber.org/goleak"
)

// What a test starts has ended when the tests have. The stack tests have a TestMain of
// their own, which checks it too.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
