package pipeline

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

func TestCodeRanges(t *testing.T) {
	const maps = `00400000-016b9000 r-xp 00000000 fe:00 11125089                           /usr/bin/sbs-server
016b9000-02bef000 r--p 012b9000 fe:00 11125089                           /usr/bin/sbs-server
02bef000-02d78000 rw-p 027ef000 fe:00 11125089                           /usr/bin/sbs-server
7f94d0000000-7f94d0001000 rwxp 00000000 fe:00 11                         /usr/lib/patched.so
7f94d1000000-7f94d1002000 r-xp 00000000 fe:00 12                         /usr/lib/with a space.so
7f94d2000000-7f94d2001000 r-xp 00000000 00:00 0 
7ffe0d9f2000-7ffe0d9f4000 r-xp 00000000 00:00 0                          [vdso]
`
	ranges, err := codeRanges(strings.NewReader(maps))
	if err != nil {
		t.Fatal(err)
	}
	want := []addresses{{0x400000, 0x16b9000}, {0x7f94d1000000, 0x7f94d1002000}}
	if len(ranges) != 2 || ranges[0] != want[0] || ranges[1] != want[1] {
		t.Errorf("ranges %x, want %x", ranges, want)
	}
	for _, broken := range []string{"00400000 r-xp 0 fe:00 1 /x", "z-y r-xp 0 fe:00 1 /x", "2000-1000 r-xp 0 fe:00 1 /x"} {
		if ranges, err := codeRanges(strings.NewReader(broken)); err == nil {
			t.Errorf("%q gives %x", broken, ranges)
		}
	}
}

func TestGiveBackMemory(t *testing.T) {
	before := mappedCode(t)
	if err := GiveBackMemory(); err != nil {
		t.Fatal(err)
	}
	if after := mappedCode(t); after >= before {
		t.Errorf("%d kB of the program's code are mapped, and were %d before", after, before)
	}
}

// mappedCode is how much of this program's code is in its memory, in kB (proc(5),
// "smaps").
func mappedCode(t *testing.T) (size int) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	code := false
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		switch {
		case len(fields) >= 2 && strings.Contains(fields[0], "-"):
			code = fields[1] == "r-xp" && len(fields) > 5 && strings.HasPrefix(fields[5], "/")
		case code && fields[0] == "Rss:":
			kilobytes, err := strconv.Atoi(fields[1])
			if err != nil {
				t.Fatal(err)
			}
			size += kilobytes
		}
	}
	return size
}
