package attest

import (
	"encoding/hex"
	"fmt"
)

// Hex is a measurement, in JSON as hex digits in any case.
type Hex []byte

func (h Hex) String() string { return hex.EncodeToString(h) }

// MarshalText implements encoding.TextMarshaler.
func (h Hex) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (h *Hex) UnmarshalText(text []byte) error {
	raw, err := hex.DecodeString(string(text))
	if err != nil {
		return fmt.Errorf("%q is not made of pairs of hex digits", text)
	}
	*h = raw
	return nil
}

// check requires size bytes, or none at all.
func (h Hex) check(name string, size int) error {
	if len(h) != 0 && len(h) != size {
		return fmt.Errorf("%s of the policy has %d bytes, it takes %d", name, len(h), size)
	}
	return nil
}
