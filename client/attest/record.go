package attest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/opensbs/sbs/api/attestation"
)

// record is a runtime's attestation record: lines of "<sha256> <name>" after
// lines of prose (version, machine, age).
type record struct {
	sums  map[string]attestation.Digest
	prose []string
}

// checksum is such a line. Names have trailing spaces in some versions.
var checksum = regexp.MustCompile(`^([0-9a-f]{64})[ \t]+(\S+)[ \t]*$`)

// Bounds of a record.
const (
	maxRecord      = 256 << 10 // bytes
	maxRecordLines = 1000
)

func parseRecord(text []byte) (record, error) {
	if len(text) > maxRecord {
		return record{}, fmt.Errorf("the record has more than %d bytes", maxRecord)
	}
	r := record{sums: map[string]attestation.Digest{}}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, maxRecord+1)
	for count := 0; lines.Scan(); count++ {
		if count == maxRecordLines {
			return record{}, fmt.Errorf("the record has more than %d lines", maxRecordLines)
		}
		line := strings.TrimRight(lines.Text(), "\r")
		parts := checksum.FindStringSubmatch(line)
		if parts == nil {
			r.prose = append(r.prose, line)
			continue
		}
		if _, twice := r.sums[parts[2]]; twice {
			return record{}, fmt.Errorf("the record has %s twice", parts[2])
		}
		var sum attestation.Digest
		if err := sum.UnmarshalText([]byte(parts[1])); err != nil {
			return record{}, err
		}
		r.sums[parts[2]] = sum
	}
	if err := lines.Err(); err != nil {
		return record{}, fmt.Errorf("read record: %w", err)
	}
	if len(r.sums) == 0 {
		return record{}, errors.New("the record has no checksums")
	}
	return r, nil
}

// has requires the record to have that checksum for that name.
func (r record) has(name string, want attestation.Digest) error {
	got, ok := r.sums[name]
	switch {
	case !ok:
		return fmt.Errorf("the record has no checksum of %s", name)
	case got != want:
		return fmt.Errorf("the record has %s for %s, and not %s", got, name, want)
	}
	return nil
}
