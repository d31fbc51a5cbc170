package metrics

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics holds the metrics of one server. Make it with New.
type Metrics struct {
	registry *prometheus.Registry

	builds  *prometheus.CounterVec
	steps   *prometheus.HistogramVec
	running prometheus.Gauge

	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	received *prometheus.CounterVec
	sent     *prometheus.CounterVec
}

// Space returns how many bytes of the data volume are free, and how many it has.
type Space func() (free, total int64, err error)

// New returns the metrics of a server with an enclave of that kind.
func New(space Space, enclave string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		builds: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sbs_builds_total", Help: "Builds that ended. A build that was stopped is a failure.",
		}, []string{"result"}),
		steps: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "sbs_build_step_seconds", Help: "How long a step took that was done, by the status it ends with.",
			Buckets: prometheus.ExponentialBuckets(0.1, 3, 10), // to half an hour
		}, []string{"step"}),
		running: prometheus.NewGauge(prometheus.GaugeOpts{Name: "sbs_builds_running", Help: "Builds that run now."}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sbs_http_requests_total", Help: "Requests that were answered.",
		}, []string{"method", "route", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "sbs_http_request_seconds", Help: "How long a request took; events lasts as long as the build it follows.",
			Buckets: prometheus.ExponentialBuckets(0.001, 5, 8), // to 78 s
		}, []string{"route"}),
		received: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sbs_http_received_bytes_total", Help: "Bytes of request bodies, as announced.",
		}, []string{"route"}),
		sent: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sbs_http_sent_bytes_total", Help: "Bytes of reply bodies.",
		}, []string{"route"}),
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "sbs_info", Help: "1. The kind of enclave is a label.", ConstLabels: prometheus.Labels{"enclave": enclave},
	})
	info.Set(1)
	for _, result := range []string{resultSuccess, resultFailure} {
		m.builds.WithLabelValues(result) // exported from the start, as 0
	}
	m.registry.MustRegister(m.builds, m.steps, m.running, m.requests, m.seconds, m.received, m.sent, info,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), volume{space})
	return m
}

// Handler returns a handler that serves all metrics in Prometheus' text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorHandling:       promhttp.ContinueOnError, // metrics without an error are still served
		DisableCompression:  true,
		MaxRequestsInFlight: 4,
	})
}

// Request describes one finished request.
type Request struct {
	Method, Route  string // the route's pattern; "" when there is none
	Code           int
	Took           time.Duration
	Received, Sent int64 // bytes of the bodies
}

// CountRequest counts a request.
func (m *Metrics) CountRequest(r Request) {
	if r.Route == "" {
		// A path without a route; its method may be any text too.
		r.Route, r.Method = "none", "any"
	}
	m.requests.WithLabelValues(r.Method, r.Route, strconv.Itoa(r.Code)).Inc()
	m.seconds.WithLabelValues(r.Route).Observe(r.Took.Seconds())
	m.received.WithLabelValues(r.Route).Add(float64(max(0, r.Received)))
	m.sent.WithLabelValues(r.Route).Add(float64(r.Sent))
}
