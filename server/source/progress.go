package source

import (
	"fmt"
	"io"
	"strconv"
)

// report writes one line for people. Progress is a courtesy: a reader of it
// that went away must not fail the clone, so its errors end here.
func report(progress io.Writer, format string, values ...any) {
	if progress == nil {
		return
	}
	_, _ = fmt.Fprintf(progress, format+"\n", values...)
}

// grouped writes 1234567 as "1,234,567".
func grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
