//go:build stack

package hostile

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// rate is how many hostile connections a second the flood opens.
const rate = 200

// What hostile clients cost a build that runs beside them: pairs of builds,
// alone, beside a flood against the server, and beside the same flood against
// another server with the same certificates, which does nothing else. The first
// ratio holds what the flood itself takes from the machine; the second is the
// server's own part. ROUNDS is how many pairs, 5 unless given.
func BenchmarkBuildBesideHostileClients(b *testing.B) {
	l := shared
	l.prepare(b)
	l.build(b) // makes the keys
	rounds, err := strconv.Atoi(os.Getenv("ROUNDS"))
	if err != nil {
		rounds = 5
	}
	elsewhere := l.elsewhere(b)
	took := func(address string) time.Duration {
		flood := l.flood(b, address)
		defer flood()
		began := time.Now()
		l.build(b)
		return time.Since(began)
	}
	var alone, beside, control []time.Duration
	var all, own []float64
	for b.Loop() {
		for range rounds {
			a, h, c := took(""), took(l.address), took(elsewhere)
			alone, beside, control = append(alone, a), append(beside, h), append(control, c)
			all, own = append(all, float64(h)/float64(a)), append(own, float64(h)/float64(c))
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(milliseconds(alone), "ms/alone")
	b.ReportMetric(milliseconds(beside), "ms/beside-hostile-clients")
	b.ReportMetric(milliseconds(control), "ms/beside-a-flood-elsewhere")
	b.ReportMetric(median(all), "hostile/alone")
	b.ReportMetric(median(own), "hostile/elsewhere")
	b.ReportMetric(slices.Min(own), "hostile/elsewhere-min")
	b.ReportMetric(slices.Max(own), "hostile/elsewhere-max")
}

// elsewhere is a server that refuses whom the build server refuses.
func (l *lab) elsewhere(b *testing.B) string {
	b.Helper()
	clients := x509.NewCertPool()
	clients.AddCert(l.ca.Leaf)
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{l.server}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients}
	server.StartTLS()
	b.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// flood opens hostile connections until it is stopped: without a certificate, with
// the server's, without a word, without TLS, and malformed requests of the client
// itself. No address is no flood.
func (l *lab) flood(b *testing.B, address string) (stop func()) {
	b.Helper()
	if address == "" {
		return func() {}
	}
	ctx, cancel := context.WithCancel(b.Context())
	var running sync.WaitGroup
	var refused atomic.Int64
	none, servers, mad := l.tls("http/1.1"), l.tls("http/1.1", l.server), l.tls("http/1.1", l.client)
	r := rand.New(rand.NewPCG(1, 1))
	knock := func(kind int, text []byte) {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return
		}
		defer conn.Close()
		defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
		_ = conn.SetDeadline(time.Now().Add(time.Second))
		switch kind {
		case 0:
			conn = tls.Client(conn, none)
		case 1:
			conn = tls.Client(conn, servers)
		case 2:
			conn = tls.Client(conn, mad)
		case 3:
			text = nil // and waits
		}
		_, _ = conn.Write(text)
		_, _ = io.Copy(io.Discard, conn)
		refused.Add(1)
	}
	running.Go(func() {
		ticker := time.NewTicker(time.Second / rate)
		defer ticker.Stop()
		for number := 0; ; number++ {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				text := request1(r)
				running.Go(func() { knock(number%5, text) })
			}
		}
	})
	return func() {
		cancel()
		running.Wait()
		if refused.Load() == 0 {
			b.Fatal("there was no flood")
		}
	}
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

func milliseconds(took []time.Duration) float64 {
	sorted := slices.Sorted(slices.Values(took))
	return float64(sorted[len(sorted)/2]) / float64(time.Millisecond)
}
