package main

import (
	"encoding/json"
	"fmt"
	"io"
)

// print writes data to stdout. An error is returned: a full disk must not look
// like success.
func (p program) print(text string) error {
	if _, err := io.WriteString(p.stdout, text); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// printJSON writes a value as the stock client does, four spaces deep.
func (p program) printJSON(value any) error {
	encoder := json.NewEncoder(p.stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "    ")
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
