//go:build stack

package hostile

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The flood is this program with these environment variables: the address, the
// number of connections per second, and the folder of the stack's certificates.
const floodAddress, floodRate, floodFolder = "HOSTILE_FLOOD", "HOSTILE_FLOOD_RATE", "HOSTILE_FLOOD_FOLDER"

// flood opens rate hostile connections per second until stop is called, which
// returns how many of them have ended. An empty address opens none.
//
// Real attackers have machines of their own. Here the flood is a process of its own,
// which gets only processor time that no other process wants (SCHED_IDLE, sched(7)):
// the time that a build loses is spent by the server.
func (env *environment) flood(b *testing.B, address string, rate int) (stop func() (ended int)) {
	b.Helper()
	if address == "" {
		return func() int { return 0 }
	}
	cmd := exec.CommandContext(b.Context(), "chrt", "--idle", "0", os.Args[0])
	cmd.Env = append(os.Environ(), floodAddress+"="+address, floodRate+"="+strconv.Itoa(rate), floodFolder+"="+env.Dir())
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	output := bufio.NewReader(stdout)
	if _, err := output.ReadString('\n'); err != nil {
		b.Fatalf("the flood did not start: %v", err)
	}
	return func() (ended int) {
		_ = stdin.Close()
		_, scanned := fmt.Fscan(output, &ended)
		if err := cmd.Wait(); err != nil || scanned != nil || ended == 0 {
			b.Fatalf("there was no flood: %v, %v", err, scanned)
		}
		return ended
	}
}

// floodMain opens connections until its standard input ends. It prints a line when
// the first connection has ended, and the number of ended connections at the end.
func floodMain(address, folder, rate string) (code int) {
	known, err := loadIdentities(folder)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	perSecond, err := strconv.Atoi(rate)
	if err != nil || perSecond <= 0 {
		fmt.Fprintf(os.Stderr, "%s=%q is not a positive number\n", floodRate, rate)
		return 1
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	ticker := time.NewTicker(time.Second / time.Duration(perSecond))
	defer ticker.Stop()
	var running sync.WaitGroup
	var ended atomic.Int64
	r := rand.New(rand.NewPCG(1, 1))
	clients := known.clients()
	for number := 0; ctx.Err() == nil; number++ {
		client := clients[number%len(clients)]
		text := http1Request(r)
		running.Go(func() {
			if err := connect(ctx, address, client, text); err == nil && ended.Add(1) == 1 {
				fmt.Println("started")
			}
		})
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
	running.Wait()
	fmt.Println(ended.Load())
	return 0
}

// A hostileClient returns the connection to use, with or without TLS, and the data
// to send over it.
type hostileClient func(conn net.Conn, text []byte) (hostile net.Conn, data []byte)

// clients returns the kinds of hostile clients: without a certificate, with the
// server's, with an older TLS version; the client itself with malformed requests,
// with a header that never ends, with a body far above the limit; one that sends
// nothing, and one without TLS.
func (i identities) clients() []hostileClient {
	over := func(config *tls.Config, text ...byte) hostileClient {
		return func(conn net.Conn, malformed []byte) (net.Conn, []byte) {
			if text != nil {
				malformed = text
			}
			return tls.Client(conn, config), malformed
		}
	}
	older := i.tls("http/1.1", i.client)
	older.MaxVersion = tls.VersionTLS12
	header := "POST /image HTTP/1.1\r\nHost: localhost\r\n"
	huge := header + "Content-Length: 999999999\r\n\r\n" + strings.Repeat("[", 1<<20)
	return []hostileClient{
		over(i.tls("http/1.1")),
		over(i.tls("http/1.1", i.server)),
		over(older),
		over(i.tls("http/1.1", i.client)),
		over(i.tls("http/1.1", i.client), []byte(header)...),
		over(i.tls("http/1.1", i.client), []byte(huge)...),
		func(conn net.Conn, _ []byte) (net.Conn, []byte) { return conn, nil },
		func(conn net.Conn, malformed []byte) (net.Conn, []byte) { return conn, malformed },
	}
}

// connect opens one hostile connection, for a second unless the server closes it
// before. A refusal is not an error; a failed connect is.
func connect(ctx context.Context, address string, client hostileClient, text []byte) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	hostile, data := client(conn, text)
	_, _ = hostile.Write(data)
	_, _ = io.Copy(io.Discard, hostile)
	return nil
}
