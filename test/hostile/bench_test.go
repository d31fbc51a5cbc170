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

// The benchmark measures what hostile clients cost a build: in each round a build
// alone, one during a flood of the server, and one during the same flood of a
// control server with the same certificates, which does nothing else. The last is
// the cost for any server. ROUNDS is the number of rounds, 5 unless set.
func BenchmarkBuildWithHostileClients(b *testing.B) {
	env := shared
	env.prepare(b)
	env.MustBuild(b) // generates the keys
	rounds, err := strconv.Atoi(os.Getenv("ROUNDS"))
	if err != nil {
		rounds = 5
	}
	controlAddress := env.controlServer(b)
	for _, rate := range rates {
		b.Run(fmt.Sprintf("%d a second", rate), func(b *testing.B) {
			for b.Loop() {
				env.measurePairs(b, rounds, rate, controlAddress)
			}
		})
	}
}

// rates are the numbers of hostile connections per second.
var rates = []int{50, 100, 200}

func (env *environment) measurePairs(b *testing.B, rounds, rate int, controlAddress string) {
	measure := func(address string) (seconds, opened float64) {
		flood := env.flood(b, address, rate)
		began := time.Now()
		env.MustBuild(b)
		seconds = time.Since(began).Seconds()
		return seconds, float64(flood()) / time.Since(began).Seconds()
	}
	var alone, flooded, control, all, own, achieved []float64
	for range rounds {
		a, _ := measure("")
		h, opened := measure(env.address)
		c, _ := measure(controlAddress)
		alone, flooded, control = append(alone, 1000*a), append(flooded, 1000*h), append(control, 1000*c)
		all, own, achieved = append(all, h/a), append(own, h/c), append(achieved, opened)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(alone), "ms/alone")
	b.ReportMetric(median(flooded), "ms/with-hostile-clients")
	b.ReportMetric(median(control), "ms/with-a-flood-elsewhere")
	b.ReportMetric(median(achieved), "connections/s")
	b.ReportMetric(median(all), "hostile/alone")
	b.ReportMetric(slices.Min(all), "hostile/alone-min")
	b.ReportMetric(slices.Max(all), "hostile/alone-max")
	b.ReportMetric(median(own), "hostile/elsewhere")
}

// The benchmark measures the processor time of the server for one hostile
// connection, in milliseconds, without a build.
func BenchmarkHostileConnection(b *testing.B) {
	env := shared
	var spent float64
	var refused int
	for b.Loop() {
		before := env.resources(b)
		flood := env.flood(b, env.address, 100)
		select {
		case <-time.After(5 * time.Second):
		case <-b.Context().Done():
		}
		refused += flood()
		spent += env.resources(b).seconds - before.seconds
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(1000*spent/float64(refused), "ms-cpu/connection")
}

// controlServer starts a server that refuses the same clients as the build server,
// and returns its address.
func (env *environment) controlServer(b *testing.B) string {
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
