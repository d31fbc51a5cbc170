package wire

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
)

// scripted is a connection whose replies are given in order.
type scripted struct {
	replies  []string
	requests []string
}

func (s *scripted) next() (io.ReadCloser, error) {
	if len(s.replies) == 0 {
		return io.NopCloser(strings.NewReader("")), nil
	}
	reply := s.replies[0]
	s.replies = s.replies[1:]
	return io.NopCloser(strings.NewReader(reply)), nil
}

func (s *scripted) Discover(context.Context) (io.ReadCloser, error) { return s.next() }

func (s *scripted) Request(_ context.Context, body []byte, _ bool) (io.ReadCloser, error) {
	s.requests = append(s.requests, string(body))
	return s.next()
}

func packetsOf(lines ...string) string {
	var text []byte
	for _, line := range lines {
		if line == flushPacket || line == delimiterPacket {
			text = append(text, line...)
			continue
		}
		text = appendPacket(text, "%s", line)
	}
	return string(text)
}

const id = "0123456789abcdef0123456789abcdef01234567"

func TestVersion2(t *testing.T) {
	c := &scripted{replies: []string{
		packetsOf("# service=git-upload-pack\n", flushPacket, "version 2\n", "agent=git/2\n", "ls-refs=unborn\n", "fetch=shallow filter\n", "object-format=sha1\n", flushPacket),
		packetsOf(id+" HEAD symref-target:refs/heads/main\n", id+" refs/heads/main\n", id+" refs/tags/v1 peeled:"+id+"\n", flushPacket),
		packetsOf("shallow-info\n", "shallow "+id+"\n", delimiterPacket, "packfile\n", "\x02working", "\x01PA", "\x01CK", flushPacket),
	}}
	client, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	err = client.List(t.Context(), []string{"refs/"}, func(r Reference) error {
		names = append(names, r.Name)
		return nil
	})
	if err != nil || strings.Join(names, " ") != "refs/heads/main refs/tags/v1" {
		t.Errorf("references %q, %v", names, err)
	}
	pack, err := client.Fetch(t.Context(), []plumbing.Hash{plumbing.NewHash(id)}, 1)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(pack)
	if err != nil || string(content) != "PACK" || len(pack.Shallow) != 1 {
		t.Errorf("pack %q, shallow %v, %v", content, pack.Shallow, err)
	}
	if !strings.Contains(c.requests[0], "ref-prefix refs/\n") || !strings.Contains(c.requests[1], "want "+id+"\n") || !strings.Contains(c.requests[1], "deepen 1\n") {
		t.Errorf("requests %q", c.requests)
	}
}

// Azure DevOps refuses a client that does not offer multi_ack.
func TestVersion0OffersMultiAck(t *testing.T) {
	for _, offered := range []string{"multi_ack", "multi_ack_detailed"} {
		c := &scripted{replies: []string{
			packetsOf(id+" HEAD\x00"+offered+" thin-pack side-band-64k shallow symref=HEAD:refs/heads/main\n", id+" refs/heads/main\n", flushPacket),
			packetsOf("shallow "+id+"\n", flushPacket, "NAK\n", "\x01PACK", flushPacket),
		}}
		client, err := Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		pack, err := client.Fetch(t.Context(), []plumbing.Hash{plumbing.NewHash(id)}, 1)
		if err != nil {
			t.Fatal(err)
		}
		if content, err := io.ReadAll(pack); err != nil || string(content) != "PACK" || len(pack.Shallow) != 1 {
			t.Errorf("pack %q, shallow %v, %v", content, pack.Shallow, err)
		}
		if !strings.Contains(c.requests[0], " "+offered+" ") || strings.Contains(c.requests[0], "thin-pack") {
			t.Errorf("request %q", c.requests[0])
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, test := range []struct{ greeting, says string }{
		{"", ErrNothing.Error()},
		{"This account is currently\x1b[31m not available.\n", "it begins: This account is currently [31m not available."},
		{"<!DOCTYPE html><html>", "a web page"},
		{"12", "it begins: 12"},
		{packetsOf(strings.Repeat("ab", 32) + " HEAD\x00side-band object-format=sha256\n"), ErrSHA256.Error()},
		{packetsOf("version 2\n", "object-format=sha256\n", flushPacket), ErrSHA256.Error()},
		{packetsOf("ERR access\x00 denied\n"), "the server reports: access denied"},
		{packetsOf("version 2\n"), io.ErrUnexpectedEOF.Error()},
		{"0003", "packet of length 3"},
		{"fff0abc", io.ErrUnexpectedEOF.Error()},
	} {
		if _, err := Open(t.Context(), &scripted{replies: []string{test.greeting}}); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%q: got %v, want %q", test.greeting, err, test.says)
		}
	}
}

func TestServerErrorInPack(t *testing.T) {
	_, err := io.ReadAll(&bands{packets: newPackets(buffered(strings.NewReader(packetsOf("\x01PA", "\x03out of memory\n")), 1<<20))})
	var reported *ServerError
	if !errors.As(err, &reported) || reported.Text != "out of memory" {
		t.Errorf("got %v", err)
	}
}

// FuzzServer: whatever a server sends gives an error or a pack, in bounded memory.
func FuzzServer(f *testing.F) {
	f.Add(packetsOf("version 2\n", "fetch=shallow\n", flushPacket), packetsOf(id+" HEAD\n", flushPacket), packetsOf("packfile\n", "\x01PACK", flushPacket))
	f.Add(packetsOf(id+" HEAD\x00side-band-64k shallow\n", flushPacket), packetsOf("shallow "+id+"\n", flushPacket, "NAK\n", "\x01PACK"), "")
	f.Add("# no", "", "")
	f.Fuzz(func(t *testing.T, greeting, second, third string) {
		client, err := Open(t.Context(), &scripted{replies: []string{greeting, second, third}})
		if err != nil {
			return
		}
		_ = client.List(t.Context(), []string{"HEAD"}, func(Reference) error { return nil })
		pack, err := client.Fetch(t.Context(), []plumbing.Hash{plumbing.NewHash(id)}, 1)
		if err != nil {
			return
		}
		if n, _ := io.Copy(io.Discard, pack); n > int64(len(second)+len(third)) {
			t.Errorf("a pack of %d bytes", n)
		}
	})
}
