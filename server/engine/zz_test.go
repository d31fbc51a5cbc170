//go:build stack

package engine

import (
	"io"
	"testing"
	"time"
)

func TestZZ(t *testing.T) {
	e := connect(t, BuildKit)
	repo := repository(t, e, "127.0.0.1:1")
	for range 3 {
	dir := tree(t, map[string]string{"hello.txt": "hello", "Dockerfile": "FROM scratch\nCOPY hello.txt /\n"})
	kit, _ := e.dialBuildKit(t.Context())
	start := time.Now()
	before, _ := cacheRecords(t.Context(), kit)
	t.Log("records", time.Since(start))
	start = time.Now()
	o, _ := solveOptions(request(dir, repo+":a"))
	_, _, err := solve(t.Context(), kit, o, io.Discard)
	t.Log("solve", time.Since(start), err)
	start = time.Now()
	e.clearCache(t.Context(), before, t.Output())
	t.Log("clear", time.Since(start))
	kit.Close()
	}
}
