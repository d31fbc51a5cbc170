package wire

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
)

// kind is the kind of a packet (gitprotocol-common, "pkt-line Format").
type kind int

const (
	data kind = iota
	flush
	delimiter
	responseEnd
)

// maxPacket is the largest packet, in bytes, with the four of its length.
const maxPacket = 65520

// packets reads a stream of packets.
type packets struct {
	from *bufio.Reader
	buf  []byte
}

func newPackets(from *bufio.Reader) *packets { return &packets{from: from} }

// next returns the next packet; its payload is valid until the next call. The end
// of the stream before a packet is io.EOF, within one io.ErrUnexpectedEOF.
func (p *packets) next() (kind, []byte, error) {
	size, err := p.size()
	if err != nil {
		return 0, nil, err
	}
	if size < 4 {
		if size == 3 {
			return 0, nil, fmt.Errorf("packet of length %d", size)
		}
		return []kind{flush, delimiter, responseEnd}[size], nil, nil
	}
	if p.buf == nil {
		p.buf = make([]byte, maxPacket)
	}
	payload := p.buf[:size-4]
	if _, err := io.ReadFull(p.from, payload); err != nil {
		return 0, nil, unexpected(err)
	}
	return data, payload, nil
}

// size reads the length of the next packet.
func (p *packets) size() (int, error) {
	var prefix [4]byte
	if _, err := io.ReadFull(p.from, prefix[:]); err != nil {
		return 0, err
	}
	size, err := strconv.ParseUint(string(prefix[:]), 16, 16)
	if err != nil || size > maxPacket {
		return 0, fmt.Errorf("packet with the length %q", prefix)
	}
	return int(size), nil
}

// line returns the next packet as a line without its end; ok is false for a
// packet that ends a section. What the server reports as its error is an error.
func (p *packets) line() (text string, ok bool, err error) {
	found, payload, err := p.next()
	if err != nil {
		return "", false, unexpected(err)
	}
	if found != data {
		return "", false, nil
	}
	text = trimLine(payload)
	return text, true, reported(text)
}

func unexpected(err error) error {
	if err == io.EOF { //nolint:errorlint // io.ReadFull returns it bare
		return io.ErrUnexpectedEOF
	}
	return err
}

// appendPacket adds a packet with a text.
func appendPacket(to []byte, format string, values ...any) []byte {
	text := fmt.Sprintf(format, values...)
	return append(fmt.Appendf(to, "%04x", len(text)+4), text...)
}

const (
	flushPacket     = "0000"
	delimiterPacket = "0001"
)
