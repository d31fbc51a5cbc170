package wire

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
)

// Service is the program on the server.
const Service = "git-upload-pack"

// Version is the text that asks a server for version 2: the value of the
// environment variable GIT_PROTOCOL and of the header Git-Protocol.
const Version = "version=2"

// Connection carries packets to git-upload-pack and back.
type Connection interface {
	// Discover returns what the server sends first.
	Discover(context.Context) (io.ReadCloser, error)
	// Request sends a request and returns the response to it, which must be read
	// or closed before the next request. No other request follows the last one.
	Request(ctx context.Context, body []byte, last bool) (io.ReadCloser, error)
}

// Limits of what a server may send, in bytes.
const (
	maxHeld   = 64 << 20 // of references that are held in memory
	maxListed = 1 << 30  // of references that pass through
)

// Client is the exchange with one server.
type Client struct {
	connection   Connection
	capabilities map[string]string // of version 2
	advertised   *packp.AdvRefs    // of versions 0 and 1; nil with version 2
}

// Open begins an exchange and finds out which version the server speaks.
func Open(ctx context.Context, connection Connection) (_ *Client, err error) {
	body, err := connection.Discover(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	c := &Client{connection: connection}
	return c, c.greet(buffered(body, maxHeld))
}

// buffered returns a bounded reader of a response. Over SSH all responses are one
// stream, whose reader is handed on.
func buffered(body io.Reader, limit int64) *bufio.Reader {
	if stream, ok := body.(interface{ Stream() *bufio.Reader }); ok {
		return stream.Stream()
	}
	return bufio.NewReaderSize(&bounded{body, limit}, 64<<10)
}

// greet reads the first packets.
func (c *Client) greet(from *bufio.Reader) error {
	first, err := from.Peek(4)
	if len(first) == 0 && errors.Is(err, io.EOF) {
		return ErrNothing
	}
	if size, hexErr := strconv.ParseUint(string(first), 16, 16); err != nil && errors.Is(err, io.EOF) || hexErr != nil || size > maxPacket {
		return notGit(from)
	}
	stream := newPackets(from)
	line, ok, err := stream.line()
	if err == nil && ok && strings.HasPrefix(line, "# service=") {
		if _, ok, err = stream.line(); err == nil && ok {
			return errors.New("the server's greeting is malformed")
		}
		if err == nil {
			line, ok, err = stream.line()
		}
	}
	switch {
	case err != nil:
		return err
	case ok && line == "version 2":
		return c.readCapabilities(stream)
	case ok && line == "version 1":
		line, ok, err = stream.line()
	}
	if err != nil {
		return err
	}
	return c.readAdvertisement(line, ok, from)
}

// readCapabilities reads the rest of the greeting of version 2.
func (c *Client) readCapabilities(from *packets) error {
	c.capabilities = map[string]string{}
	for range 1000 {
		line, ok, err := from.line()
		if err != nil {
			return err
		}
		if !ok {
			if format, given := c.capabilities["object-format"]; given && format != "sha1" {
				return formatError(format)
			}
			return nil
		}
		name, value, _ := strings.Cut(line, "=")
		c.capabilities[name] = value
	}
	return errors.New("the server has more than 1,000 capabilities")
}

func formatError(format string) error {
	if format == "sha256" {
		return ErrSHA256
	}
	return fmt.Errorf("the repository has the object format %s: only SHA-1 repositories are supported", Excerpt(format))
}

// readAdvertisement reads the references of version 0, of which the first line is
// read already.
func (c *Client) readAdvertisement(first string, ok bool, from *bufio.Reader) error {
	c.advertised = packp.NewAdvRefs()
	if !ok {
		return nil // an empty repository
	}
	_, capabilities, _ := strings.Cut(first, "\x00")
	for word := range strings.FieldsSeq(capabilities) {
		if format, given := strings.CutPrefix(word, "object-format="); given && format != "sha1" {
			return formatError(format)
		}
	}
	rest := io.MultiReader(bytes.NewReader(appendPacket(nil, "%s\n", first)), &bounded{from, maxHeld})
	err := c.advertised.Decode(rest)
	switch {
	case errors.Is(err, packp.ErrEmptyAdvRefs):
		return nil
	case err != nil:
		return fmt.Errorf("list of references: %w", err)
	}
	c.advertised.Capabilities.Delete(capability.ThinPack)
	return nil
}

// bounded reads at most a number of bytes, and fails when there are more.
type bounded struct {
	from io.Reader
	left int64
}

// ErrTooManyReferences means that a list of references is too long.
var ErrTooManyReferences = errors.New("the server's list of references is too long")

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, ErrTooManyReferences
	}
	return n, err
}
