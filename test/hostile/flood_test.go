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

// The flood is this program again, told so by its environment: against which
// address, how many connections a second, and where the stack's certificates lie.
const floodAddress, floodRate, floodFolder = "HOSTILE_FLOOD", "HOSTILE_FLOOD_RATE", "HOSTILE_FLOOD_FOLDER"

// flood opens that many hostile connections a second until it is stopped, and then
// tells how many came to their end. No address is no flood.
//
// Hostile clients have machines of their own. Here the flood is a process of its
// own, which gets the processor time alone that nothing else on this machine wants
// (SCHED_IDLE, sched(7)): what a build loses beside it, the server has spent.
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
	said := bufio.NewReader(stdout)
	if _, err := said.ReadString('\n'); err != nil {
		b.Fatalf("the flood did not begin: %v", err)
	}
	return func() (ended int) {
		_ = stdin.Close()
		_, scanned := fmt.Fscan(said, &ended)
		if err := cmd.Wait(); err != nil || scanned != nil || ended == 0 {
			b.Fatalf("there was no flood: %v, %v", err, scanned)
		}
		return ended
	}
}

// floodMain floods until its standard input ends. It says when the first
// connection has ended, and at the end how many have.
func floodMain(address, folder, rate string) (code int) {
	known, err := loadIdentities(folder)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	perSecond, err := strconv.Atoi(rate)
	if err != nil || perSecond <= 0 {
		fmt.Fprintf(os.Stderr, "%s=%q is no number above 0\n", floodRate, rate)
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
	knocks := known.knocks()
	for number := 0; ctx.Err() == nil; number++ {
		knock := knocks[number%len(knocks)]
		text := request1(r)
		running.Go(func() {
			if err := visit(ctx, address, knock, text); err == nil && ended.Add(1) == 1 {
				fmt.Println("begun")
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

// A knock makes of a connection what one kind of hostile client would.
type knock func(conn net.Conn, text []byte) (hostile net.Conn, says []byte)

// knocks are the kinds: without a certificate, with the server's, with an older TLS;
// the client itself with malformed requests, with a header that never ends, with a
// body far above what is allowed; without a word, without TLS.
func (i identities) knocks() []knock {
	over := func(config *tls.Config, text ...byte) knock {
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
	return []knock{
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

// visit is one hostile connection, which stays for a second if it is let. That it
// is refused is no error; that nobody answers is.
func visit(ctx context.Context, address string, knock knock, text []byte) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	hostile, says := knock(conn, text)
	_, _ = hostile.Write(says)
	_, _ = io.Copy(io.Discard, hostile)
	return nil
}
