package registry

import (
	"testing"

	"github.com/opensbs/sbs/test/kit/testregistry"
)

// Tests leak no goroutine.
func TestMain(m *testing.M) { testregistry.VerifyNoLeaks(m) }
