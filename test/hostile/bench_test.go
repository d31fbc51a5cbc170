//go:build stack

package hostile

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"
)

// What hostile clients cost a build that runs beside them: pairs of builds,
// alone, beside a flood against the server, and beside the same flood against
// another server with the same certificates, which does nothing else. The last
// is what any server would lose. ROUNDS is how many pairs, 5 unless given.
func BenchmarkBuildWithHostileClients(b *testing.B) {
	env := shared
	env.prepare(b)
	env.MustBuild(b) // makes the keys
	rounds, err := strconv.Atoi(os.Getenv("ROUNDS"))
	if err != nil {
		rounds = 5
	}
	elsewhere := env.elsewhere(b)
	for _, rate := range rates {
		b.Run(fmt.Sprintf("%d a second", rate), func(b *testing.B) {
			for b.Loop() {
				env.pairs(b, rounds, rate, elsewhere)
			}
		})
	}
}

// rates are how many hostile connections a second are opened.
var rates = []int{50, 100, 200}

func (env *environment) pairs(b *testing.B, rounds, rate int, elsewhere string) {
	took := func(address string) (seconds, opened float64) {
		flood := env.flood(b, address, rate)
		began := time.Now()
		env.MustBuild(b)
		seconds = time.Since(began).Seconds()
		return seconds, float64(flood()) / time.Since(began).Seconds()
	}
	var alone, beside, control, all, own, achieved []float64
	for range rounds {
		a, _ := took("")
		h, opened := took(env.address)
		c, _ := took(elsewhere)
		alone, beside, control = append(alone, 1000*a), append(beside, 1000*h), append(control, 1000*c)
		all, own, achieved = append(all, h/a), append(own, h/c), append(achieved, opened)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(alone), "ms/alone")
	b.ReportMetric(median(beside), "ms/with-hostile-clients")
	b.ReportMetric(median(control), "ms/with-a-flood-elsewhere")
	b.ReportMetric(median(achieved), "connections/s")
	b.ReportMetric(median(all), "hostile/alone")
	b.ReportMetric(slices.Min(all), "hostile/alone-min")
	b.ReportMetric(slices.Max(all), "hostile/alone-max")
	b.ReportMetric(median(own), "hostile/elsewhere")
}

// What one hostile connection costs the server, in milliseconds of processor
// time, beside nothing else.
func BenchmarkHostileConnection(b *testing.B) {
	env := shared
	var spent float64
	var refused int
	for b.Loop() {
		before := env.held(b)
		flood := env.flood(b, env.address, 100)
		select {
		case <-time.After(5 * time.Second):
		case <-b.Context().Done():
		}
		refused += flood()
		spent += env.held(b).seconds - before.seconds
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(1000*spent/float64(refused), "ms-cpu/connection")
}

// elsewhere is a server that refuses whom the build server refuses.
func (env *environment) elsewhere(b *testing.B) string {
	b.Helper()
	clients := x509.NewCertPool()
	clients.AddCert(env.ca.Leaf)
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{env.server}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients}
	server.StartTLS()
	b.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
