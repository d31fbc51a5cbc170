package bzip2

import "testing"

func BenchmarkEncoder(b *testing.B) {
	for _, c := range []struct {
		name  string
		input []byte
	}{
		{"text", text(2, 900_000)},
		{"random", noise(1, 900_000)},
		{"random 100000", noise(1, 100_000)},
		{"zeros", make([]byte, 900_000)},
		{"Fibonacci", fibonacci(900_000)},
	} {
		b.Run(c.name, func(b *testing.B) {
			var encoder Encoder
			out := encoder.AppendStream(nil, c.input)
			b.SetBytes(int64(len(c.input)))
			b.ReportAllocs()
			for b.Loop() {
				out = encoder.AppendStream(out[:0], c.input)
			}
		})
	}
}
