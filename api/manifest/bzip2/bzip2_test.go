package bzip2

import (
	"bytes"
	"compress/bzip2"
	"io"
	"os"
	"testing"
)

func decode(t testing.TB, b []byte) []byte {
	got, err := io.ReadAll(bzip2.NewReader(bytes.NewReader(b)))
	if err != nil { t.Fatal(err) }
	return got
}
func TestX(t *testing.T) {
	var e Encoder
	for _, s := range []string{"", "a", "ab", "banana", "abab", "aaaaaaaaaa", "hello world hello world", "abracadabraabracadabra"} {
		if got := decode(t, e.AppendStream(nil, []byte(s))); string(got) != s { t.Errorf("%q %q", s, got) }
	}
	for _, f := range []string{"text", "random"} {
		d, _ := os.ReadFile("/tmp/bz/" + f)
		d = d[:5000000]
		x := e.AppendStream(nil, d)
		t.Log(f, len(x))
		if !bytes.Equal(decode(t, x), d) { t.Error(f) }
	}
}
func bench(b *testing.B, f string, size int) {
	d, _ := os.ReadFile("/tmp/bz/" + f)
	var e Encoder
	var out []byte
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		o := (i * size) % (len(d) - size)
		out = e.AppendStream(out[:0], d[o:o+size])
	}
}
func BenchmarkText(b *testing.B)   { bench(b, "text", 900000) }
func BenchmarkRandom(b *testing.B) { bench(b, "random", 900000) }
func BenchmarkRandom100(b *testing.B) { bench(b, "random", 100000) }
