package client

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// errNotJSON wraps errors about the form of a streamed reply.
var errNotJSON = errors.New("not the expected JSON")

// object reads a JSON object field by field. A text in it can be of any length:
// encoding/json would hold a manifest in memory whole.
type object struct {
	source  io.Reader
	decoder *json.Decoder
}

func newObject(r io.Reader) *object {
	return &object{source: r, decoder: json.NewDecoder(r)}
}

// each calls field for every key; field reads the value by skip, value or text.
func (o *object) each(field func(key string) error) error {
	start, err := o.decoder.Token()
	if err != nil {
		return eof(err)
	}
	if start != json.Delim('{') {
		return fmt.Errorf("%w: it is no object", errNotJSON)
	}
	for o.decoder.More() {
		key, err := o.decoder.Token()
		if err != nil {
			return eof(err)
		}
		if err := field(key.(string)); err != nil { // the decoder accepts nothing else as a key
			return err
		}
	}
	_, err = o.decoder.Token()
	return eof(err)
}

// eof makes an end in the middle an error of its own.
func eof(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// value decodes the next value, which must be small.
func (o *object) value(into any) error {
	if err := o.decoder.Decode(into); err != nil {
		return fmt.Errorf("%w: %w", errNotJSON, err)
	}
	return nil
}

func (o *object) skip() error { return o.value(new(json.RawMessage)) }

// text streams the next value, which must be a JSON text. It must be read to
// its end before anything else.
func (o *object) text() io.Reader {
	rest := bufio.NewReaderSize(io.MultiReader(o.decoder.Buffered(), o.source), 64<<10)
	return &text{raw: rest, ended: func() error { return o.resume(rest) }}
}

// resume primes a new decoder so that it continues after the streamed string, inside
// the object.
func (o *object) resume(rest io.Reader) error {
	o.source = rest
	o.decoder = json.NewDecoder(io.MultiReader(strings.NewReader(`{"":0`), rest))
	for range 3 { // the brace, the key, the value
		if _, err := o.decoder.Token(); err != nil {
			return err
		}
	}
	return nil
}

// text reads the value of a JSON string. Pieces of it are cut where no escape
// sequence, surrogate pair or UTF-8 sequence is split, and decoded one by one.
type text struct {
	raw     *bufio.Reader
	ended   func() error
	begun   bool
	done    bool
	piece   []byte // the present piece in quotes; its memory serves the next one too
	decoded []byte // what of it was not read yet
}

// Sizes of a piece, in bytes: where it is cut if it can be, and where it must
// have been.
const (
	pieceSize = 32 << 10
	maxPiece  = 8 << 20
)

func (t *text) Read(p []byte) (int, error) {
	for len(t.decoded) == 0 {
		if t.done {
			return 0, io.EOF
		}
		if err := t.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, t.decoded)
	t.decoded = t.decoded[n:]
	return n, nil
}

func (t *text) fill() error {
	if !t.begun {
		if err := t.begin(); err != nil {
			return err
		}
		t.begun = true
	}
	plain, err := t.next()
	if err != nil {
		return eof(err)
	}
	if plain {
		t.decoded = t.piece[1 : len(t.piece)-1]
	} else {
		var s string
		if err := json.Unmarshal(t.piece, &s); err != nil {
			return fmt.Errorf("%w: %w", errNotJSON, err)
		}
		t.decoded = []byte(s)
	}
	if t.done {
		return t.ended()
	}
	return nil
}

// begin skips the colon and the opening quote, which the decoder has left.
func (t *text) begin() error {
	for _, mark := range []byte(`:"`) {
		b, err := t.raw.ReadByte()
		for err == nil && strings.IndexByte(" \t\r\n", b) >= 0 {
			b, err = t.raw.ReadByte()
		}
		if err != nil {
			return eof(err)
		}
		if b != mark {
			return fmt.Errorf("%w: a text was expected", errNotJSON)
		}
	}
	return nil
}

// next reads one piece, in quotes. A plain one is its own value.
func (t *text) next() (plain bool, err error) {
	t.piece = append(t.piece[:0], '"')
	plain = true
	digits := 0 // that a \u sequence still lacks
	for len(t.piece) < maxPiece {
		b, err := t.raw.ReadByte()
		if err != nil {
			return false, err
		}
		t.piece = append(t.piece, b)
		if b == '"' {
			t.done = true
			return plain, nil
		}
		inSequence := b >= 0x80 || digits > 0
		digits = max(0, digits-1)
		if b == '\\' {
			if b, err = t.raw.ReadByte(); err != nil {
				return false, err
			}
			t.piece = append(t.piece, b)
			if plain = false; b == 'u' {
				inSequence, digits = true, 4
			}
		}
		plain = plain && b >= ' ' && b < 0x80
		if !inSequence && len(t.piece) >= pieceSize {
			t.piece = append(t.piece, '"')
			return plain, nil
		}
	}
	return false, fmt.Errorf("%w: a text that can't be cut", errNotJSON)
}
