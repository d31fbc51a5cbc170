package solve

// BuildKit reports what went wrong in a build as a line of text. This is the one place
// where such a text becomes a kind of error.

import (
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/opensbs/sbs/server/builder"
)

// endedBuilder reports whether the connection to the builder broke. A step that can't
// reach a registry is unavailable too, but it is known to have failed.
func endedBuilder(err error) bool { return status.Code(err) == codes.Unavailable }

// refusals are the texts that BuildKit, and Engines from 20.10 on, write when a
// registry refuses credentials. They keep no type and no status through their
// streams. The first two are error codes of the OCI distribution specification,
// "Error Codes", in the lower case in which they are printed.
var refusals = []string{
	"unauthorized: ",
	"denied: ",
	"no basic auth credentials",
	"401 Unauthorized",
	"403 Forbidden",
}

// Classify wraps an error of a build in [builder.ErrUnauthorized] if its text is that
// of a refusal.
func Classify(err error) error {
	for _, refusal := range refusals {
		if strings.Contains(err.Error(), refusal) {
			return fmt.Errorf("%w: %w", builder.ErrUnauthorized, err)
		}
	}
	return err
}
