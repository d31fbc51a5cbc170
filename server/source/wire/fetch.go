package wire

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
)

// Pack is a pack that is being received.
type Pack struct {
	io.Reader
	Shallow []plumbing.Hash // commits whose parents the server does not send
	body    io.Closer
}

// Close ends the response.
func (p *Pack) Close() error { return p.body.Close() }

// maxShallow bounds the commits at which a server cuts history.
const maxShallow = 1_000_000

// Fetch asks for objects and what they need, and with a depth above zero for no
// more commits than that. It is the last request of a client.
func (c *Client) Fetch(ctx context.Context, wants []plumbing.Hash, depth int) (_ *Pack, err error) {
	if len(wants) == 0 {
		return nil, errors.New("nothing is asked for")
	}
	wants = slices.Clone(wants)
	plumbing.HashesSort(wants)
	wants = slices.Compact(wants)
	receive := c.fetchV2
	if c.advertised != nil {
		receive = c.fetchV0
	}
	return receive(ctx, wants, depth)
}

func (c *Client) fetchV2(ctx context.Context, wants []plumbing.Hash, depth int) (_ *Pack, err error) {
	request := appendPacket(c.command("fetch"), "no-progress\n")
	request = appendPacket(request, "ofs-delta\n")
	if depth > 0 && slices.Contains(strings.Fields(c.capabilities["fetch"]), "shallow") {
		request = appendPacket(request, "deepen %d\n", depth)
	}
	for _, want := range wants {
		request = appendPacket(request, "want %s\n", want)
	}
	request = append(appendPacket(request, "done\n"), flushPacket...)
	body, err := c.connection.Request(ctx, request, true)
	if err != nil {
		return nil, err
	}
	pack := &Pack{body: body}
	if err := pack.sections(buffered(body, 1<<62)); err != nil {
		return nil, errors.Join(err, body.Close())
	}
	return pack, nil
}

// sections reads the response to fetch up to the pack.
func (p *Pack) sections(from *bufio.Reader) error {
	stream := newPackets(from)
	for {
		header, ok, err := stream.line()
		switch {
		case err != nil:
			return err
		case !ok:
			return errors.New("the server sent no pack")
		case header == "packfile":
			p.Reader = &bands{packets: stream}
			return nil
		}
		if err := p.section(stream, header); err != nil {
			return err
		}
	}
}

// section reads one section that is not the pack.
func (p *Pack) section(from *packets, header string) error {
	for {
		line, ok, err := from.line()
		if err != nil || !ok {
			return err
		}
		text, is := strings.CutPrefix(line, "shallow ")
		if header != "shallow-info" || !is {
			continue // nothing else was asked for
		}
		if err := p.addShallow(text); err != nil {
			return err
		}
	}
}

func (c *Client) fetchV0(ctx context.Context, wants []plumbing.Hash, depth int) (_ *Pack, err error) {
	supports := c.advertised.Capabilities.Supports
	request := packp.NewUploadPackRequestFromCapabilities(c.advertised.Capabilities)
	request.Wants = wants
	for _, name := range []capability.Capability{capability.NoProgress, capability.Shallow} {
		if supports(name) {
			_ = request.Capabilities.Set(name) // fails for capabilities with arguments only
		}
	}
	if supports(capability.Shallow) {
		request.Depth = packp.DepthCommits(depth)
	}
	var text bytes.Buffer
	if err := request.UploadRequest.Encode(&text); err != nil {
		return nil, fmt.Errorf("write request: %w", err)
	}
	body, err := c.connection.Request(ctx, appendPacket(text.Bytes(), "done\n"), true)
	if err != nil {
		return nil, err
	}
	pack, err := readPackV0(request, body)
	if err != nil {
		return nil, errors.Join(err, body.Close())
	}
	pack.Shallow = append(pack.Shallow, c.advertised.Shallows...)
	return pack, nil
}

// readPackV0 reads the response of version 0 up to the pack: the shallow commits
// and a flush if a depth was asked for, then NAK, because the client has nothing.
func readPackV0(request *packp.UploadPackRequest, body io.ReadCloser) (*Pack, error) {
	from := buffered(body, 1<<62)
	pack := &Pack{body: body, Reader: from}
	stream := newPackets(from)
	inShallow := !request.Depth.IsZero()
	for {
		line, ok, err := stream.line()
		if err != nil {
			return nil, err
		}
		switch text, shallow := strings.CutPrefix(line, "shallow "); {
		case inShallow && !ok:
			inShallow = false
		case inShallow && shallow:
			if err := pack.addShallow(text); err != nil {
				return nil, err
			}
		case line == "NAK":
			if capabilities := request.Capabilities; capabilities.Supports(capability.Sideband64k) || capabilities.Supports(capability.Sideband) {
				pack.Reader = &bands{packets: stream}
			}
			return pack, nil
		default:
			return nil, fmt.Errorf("the server sent %q instead of a pack", Excerpt(line))
		}
	}
}

func (p *Pack) addShallow(text string) error {
	id, ok := parseID(text)
	if !ok || len(p.Shallow) == maxShallow {
		return errors.New("the server's list of shallow commits is malformed or too long")
	}
	p.Shallow = append(p.Shallow, id)
	return nil
}

// bands reads the pack out of a stream that also has messages
// (gitprotocol-pack, "side-band").
type bands struct {
	packets *packets
	left    []byte // of the packet at hand
}

func (b *bands) Read(p []byte) (int, error) {
	for len(b.left) == 0 {
		found, payload, err := b.packets.next()
		switch {
		case err != nil:
			return 0, unexpected(err)
		case found != data:
			return 0, io.EOF
		case len(payload) == 0:
			continue // keeps the connection alive
		}
		switch payload[0] {
		case 1:
			b.left = payload[1:]
		case 2: // progress
		case 3:
			return 0, &ServerError{Excerpt(string(payload[1:]))}
		default:
			return 0, fmt.Errorf("packet of band %d", payload[0])
		}
	}
	n := copy(p, b.left)
	b.left = b.left[n:]
	return n, nil
}
