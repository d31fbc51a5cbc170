package tree

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/opensbs/sbs/test/harness/gitserver"
)

const (
	largeSize = 1_000_000 // bytes of a file that can't be compressed
	textSize  = 1_500     // bytes of a text, about
)

// Mixed returns a tree of random files of 1 MB each and texts of about 1.5 kB, by their
// paths. It writes the random files to the folder dir. A tenth of each kind is below
// service/.
func Mixed(dir string, large, texts int) (map[string]gitserver.File, error) {
	files := make(map[string]gitserver.File, large+texts)
	source := rand.NewChaCha8([32]byte{1})
	for i := range large {
		path := filepath.Join(dir, fmt.Sprintf("large%d", i))
		if err := writeRandom(source, path, largeSize); err != nil {
			return nil, err
		}
		files[fmt.Sprintf("%s/assets/%d.bin", top(i), i)] = gitserver.File{From: path}
	}
	for i := range texts {
		files[fmt.Sprintf("%s/src/%d/%d.txt", top(i), i/10%100, i)] = gitserver.File{Content: Text(uint64(i), textSize)}
	}
	return files, nil
}

// top returns the top-level folder of the ith file of a kind.
func top(i int) string {
	if i%10 == 0 {
		return "service"
	}
	return fmt.Sprintf("part%d", i%10)
}

// Random creates the folder dir and writes count random files of size bytes each to it.
func Random(dir string, count, size int) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	source := rand.NewChaCha8([32]byte{2})
	for i := range count {
		if err := writeRandom(source, filepath.Join(dir, fmt.Sprintf("%d.bin", i)), size); err != nil {
			return err
		}
	}
	return nil
}

func writeRandom(source *rand.ChaCha8, path string, size int) error {
	content := make([]byte, size)
	_, _ = source.Read(content) // never fails
	return os.WriteFile(path, content, 0o644)
}

// Text returns a text of size bytes, of lines of words, that depends on the seed.
func Text(seed uint64, size int) string {
	random := rand.New(rand.NewPCG(seed, 3))
	var text strings.Builder
	for text.Len() < size {
		for range 4 + random.IntN(8) {
			text.WriteString(word(random) + " ")
		}
		text.WriteString("\n")
	}
	return text.String()[:size-1] + "\n"
}

// word returns one of several thousand words. Some are more frequent, as in any text.
func word(random *rand.Rand) string {
	number := int(random.ExpFloat64() * 300)
	const letters = "etaoinshrdlucmfw"
	var word strings.Builder
	for number += 16; number > 0; number /= 16 {
		word.WriteByte(letters[number%16])
	}
	return word.String()
}
