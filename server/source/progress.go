package source

import (
	"fmt"
	"io"
)

// report writes one line for people. Progress is a courtesy: a reader of it
// that went away must not fail the clone, so its errors end here.
func report(progress io.Writer, format string, values ...any) {
	if progress == nil {
		return
	}
	_, _ = fmt.Fprintf(progress, format+"\n", values...)
}
