package bzip2

import (
	"bytes"
	"compress/bzip2"
	"crypto/sha256"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/opensbs/sbs/test/kit/golden"
)

func decode(stream []byte) ([]byte, error) {
	return io.ReadAll(bzip2.NewReader(bytes.NewReader(stream)))
}

// TestCorpora has one encoder compress all corpora: what comes back is the
// input, and the bytes are pinned, because signatures are made over them. The
// corpora hold what quadratic sorting would not finish within the test's time.
func TestCorpora(t *testing.T) {
	var encoder Encoder
	var sums strings.Builder
	corpora := corpora()
	for _, name := range names(corpora) {
		input := corpora[name]
		stream := encoder.AppendStream(nil, input)
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(stream), name)
		got, err := decode(stream)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !bytes.Equal(got, input) {
			t.Errorf("%s: %d bytes became %d other bytes", name, len(input), len(got))
		}
	}
	golden.Check(t, "corpora.sha256", []byte(sums.String()))
}

// TestEncoderKeepsNoState checks that a stream doesn't depend on those that the encoder
// made before.
func TestEncoderKeepsNoState(t *testing.T) {
	var encoder Encoder
	for _, input := range [][]byte{text(6, 300_000), noise(6, 200_000), {}, text(7, 50_000), repeat("ab", 1000), text(7, 50_000)} {
		if !bytes.Equal(encoder.AppendStream(nil, input), new(Encoder).AppendStream(nil, input)) {
			t.Errorf("%.20q...: a used encoder and a new one give different bytes", input)
		}
	}
}

// TestGoldenStream pins one stream whole, to be looked at when the bytes change.
func TestGoldenStream(t *testing.T) {
	golden.Check(t, "text.bz2", new(Encoder).AppendStream(nil, text(6, 10_000)))
}

// TestEmpty pins the one stream that needs no choices: a header, the end marker,
// a checksum of 0.
func TestEmpty(t *testing.T) {
	want := "before BZh1\x17\x72\x45\x38\x50\x90\x00\x00\x00\x00"
	if got := new(Encoder).AppendStream([]byte("before "), nil); string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLevelAndBlocks(t *testing.T) {
	marker := func(stream []byte) bool { return bytes.HasPrefix(stream[4:], []byte("\x31\x41\x59\x26\x53\x59")) }
	var encoder Encoder
	for _, c := range []struct {
		size  int
		level byte
	}{{1, '1'}, {100_000, '1'}, {100_001, '2'}, {800_000, '8'}, {800_001, '9'}} {
		stream := encoder.AppendStream(nil, noise(7, c.size))
		if string(stream[:3]) != "BZh" || stream[3] != c.level || !marker(stream) {
			t.Errorf("%d bytes begin with %q, want level %c and a block", c.size, stream[:10], c.level)
		}
	}
	// What fits a block is one block: its CRC is the whole stream's.
	for _, size := range []int{100_000, 900_000} {
		stream := encoder.AppendStream(nil, noise(7, size))
		if crc := stream[10:14]; !containsBits(stream[len(stream)-12:], crc) {
			t.Errorf("%d bytes are not one block", size)
		}
	}
}

// containsBits reports whether b holds the 32 bits of word, at any bit.
func containsBits(b, word []byte) bool {
	digits := func(b []byte) (s string) {
		for _, v := range b {
			s += fmt.Sprintf("%08b", v)
		}
		return s
	}
	return strings.Contains(digits(b), digits(word))
}

// TestStreamsFollowOneAnother checks what the manifest is made of.
func TestStreamsFollowOneAnother(t *testing.T) {
	var encoder Encoder
	var streams []byte
	for _, part := range []string{"one ", "", "two ", "three"} {
		streams = encoder.AppendStream(streams, []byte(part))
	}
	got, err := decode(streams)
	if err != nil || string(got) != "one two three" {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestEncoderMemory checks that an encoder allocates its buffers once, of no more than
// the size that its comment states.
func TestEncoderMemory(t *testing.T) {
	input, out := noise(8, 900_000), make([]byte, 0, 1_000_000)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var encoder Encoder
	encoder.AppendStream(out, input)
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 9_500_000 {
		t.Errorf("an encoder takes %d bytes, want at most 9.5 MB", got)
	}
	if n := testing.AllocsPerRun(2, func() { encoder.AppendStream(out, input) }); n != 0 {
		t.Errorf("%v allocations for a stream, want none", n)
	}
}

// TestProperty checks inputs made of runs and of copies of what came before.
func TestProperty(t *testing.T) {
	var encoder Encoder
	rapid.Check(t, func(t *rapid.T) {
		var input []byte
		for range rapid.IntRange(0, 40).Draw(t, "parts") {
			if len(input) > 0 && rapid.Bool().Draw(t, "copy") {
				from := rapid.IntRange(0, len(input)-1).Draw(t, "from")
				to := rapid.IntRange(from, min(len(input), from+5000)).Draw(t, "to")
				input = append(input, input[from:to]...)
				continue
			}
			value := rapid.Byte().Draw(t, "value")
			input = append(input, bytes.Repeat([]byte{value}, rapid.IntRange(1, 600).Draw(t, "run"))...)
		}
		got, err := decode(encoder.AppendStream(nil, input))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, input) {
			t.Fatalf("%q became %q", input, got)
		}
	})
}

// FuzzEncoder checks that every input comes back, alone and repeated.
func FuzzEncoder(f *testing.F) {
	f.Add([]byte(""), uint16(0))
	f.Add([]byte("abracadabra"), uint16(3))
	f.Add(bytes.Repeat([]byte{0}, 300), uint16(300))
	var encoder Encoder
	f.Fuzz(func(t *testing.T, input []byte, times uint16) {
		input = bytes.Repeat(input, int(times)%(20_000/(len(input)+1)+1)+1)
		got, err := decode(encoder.AppendStream(nil, input))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, input) {
			t.Fatalf("%q became %q", input, got)
		}
	})
}
