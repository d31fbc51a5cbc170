package bzip2

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// corpora are inputs of every kind that sorting and coding treat differently,
// the same on every machine.
func corpora() map[string][]byte {
	const large = 250_000
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	down := slices.Clone(all)
	slices.Reverse(down)
	random, words := noise(1, 900_001), text(2, large)
	corpora := map[string][]byte{
		"empty":           {},
		"a byte":          {0},
		"two bytes":       []byte("ba"),
		"a word":          []byte("abracadabra"),
		"all bytes":       all,
		"zeros":           make([]byte, 2_000_000),
		"ab":              repeat("ab", large),
		"ba, odd":         repeat("ba", 100_001),
		"period 3":        repeat("aab", large),
		"period 256":      repeat(string(all), large),
		"period 1000":     repeat(string(noise(3, 1000)), large),
		"half and half":   append(slices.Clone(random[:150_000]), random[:150_000]...),
		"rising":          repeat(string(all[1:]), 70_000),
		"falling":         repeat(string(down), 70_000),
		"Fibonacci":       fibonacci(299_999),
		"Thue-Morse":      thueMorse(1 << 18),
		"a in b":          append(bytes.Repeat([]byte("b"), 300_000), append([]byte("a"), bytes.Repeat([]byte("b"), 300_000)...)...),
		"runs of 3":       repeat("aaabbbccc", large),
		"runs of 4":       repeat("aaaabbbbcccc", 800_000),
		"runs about 255":  runs(250, 265, large),
		"runs to 9":       runs(1, 9, large),
		"two values":      coins(4, large),
		"random":          random[:large],
		"text":            words,
		"text and random": append(slices.Clone(words), random[:large]...),
		"compressed text": new(Encoder).AppendStream(nil, words),
		"one block more":  random,
		"level 1":         random[:100_000],
		"level 2":         random[:100_001],
		"rare bytes":      rare(500_000),
	}
	for i := range runStart { // a run that does not fit the block by as many bytes
		corpora[fmt.Sprintf("runs of 4 after %d", i+1)] = append([]byte("wxyz"[:i+1]), repeat("aaaabbbbcccc", 99_000)...)
	}
	return corpora
}

// names lists the corpora in order.
func names(corpora map[string][]byte) []string { return slices.Sorted(maps.Keys(corpora)) }

func repeat(piece string, size int) []byte {
	return []byte(strings.Repeat(piece, size/len(piece)+1)[:size])
}

func noise(seed byte, size int) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(b) // never fails
	return b
}

// text is words, some far more often than others, in lines.
func text(seed byte, size int) []byte {
	random := rand.New(rand.NewChaCha8([32]byte{seed}))
	words := make([]string, 3000)
	for i := range words {
		word := make([]byte, 1+random.IntN(11))
		for j := range word {
			word[j] = "etaoinshrdlucmfwypvbgkjqxz"[random.IntN(random.IntN(26)+1)]
		}
		words[i] = string(word)
	}
	var b []byte
	for len(b) < size {
		b = append(b, words[random.IntN(random.IntN(len(words))+1)]...)
		b = append(b, "      ,.\n"[random.IntN(9)])
	}
	return b[:size]
}

func fibonacci(size int) []byte {
	a, b := []byte("a"), []byte("ab")
	for len(b) < size {
		a, b = b, append(slices.Clone(b), a...)
	}
	return b[:size]
}

func thueMorse(size int) []byte {
	b := []byte{0}
	for len(b) < size {
		for _, bit := range b[:len(b):len(b)] {
			b = append(b, 1-bit)
		}
	}
	return b
}

// runs is runs of every length from shortest to longest, in turn.
func runs(shortest, longest, size int) []byte {
	var b []byte
	for i := 0; len(b) < size; i++ {
		b = append(b, bytes.Repeat([]byte{byte(i % 7)}, shortest+i%(longest-shortest+1))...)
	}
	return b[:size]
}

func coins(seed byte, size int) []byte {
	b := noise(seed, size)
	for i := range b {
		b[i] = 'a' + b[i]&1
	}
	return b
}

// rare holds bytes of Fibonacci frequencies, spread so that ranks have them too:
// an unlimited Huffman code would be longer than the format takes.
func rare(size int) []byte {
	random := rand.New(rand.NewChaCha8([32]byte{5}))
	b := make([]byte, size)
	for i := range b {
		value := byte(0)
		for value < 60 && random.IntN(1000) < 382 {
			value++
		}
		b[i] = value
	}
	return b
}
