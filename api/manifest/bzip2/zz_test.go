//go:build stack
package bzip2
import ("testing";"bytes";"os/exec")
func TestZZ(t *testing.T) {
	in := goSource(t)
	var e Encoder
	n := 0
	for _, s := range inStreams(&e, in, 900000) { n += len(s); t.Log(len(s), bytes.Count(s, []byte("1AY&SY"))) }
	c := exec.Command("bzip2","-9"); c.Stdin = bytes.NewReader(in); o,_ := c.Output()
	t.Log(len(in), "streams", n, "whole", len(e.AppendStream(nil,in)), "bzip2", len(o))
	in = in[:890000]
	c = exec.Command("bzip2","-9"); c.Stdin = bytes.NewReader(in); o,_ = c.Output()
	out := e.AppendStream(nil,in)
	b, taken := appendRuns(make([]byte,1,1000000), in, 1000000)
	t.Log("one block: ", len(out), len(o), len(b), taken, len(e.ranking.symbols), len(e.coding.selectors))
}
