package metrics

import "github.com/prometheus/client_golang/prometheus"

// volume collects the space of the data volume whenever the metrics are read.
type volume struct{ space Space }

func (volume) free() *prometheus.Desc {
	return prometheus.NewDesc("sbs_volume_free_bytes", "Bytes that the data volume has left for the server.", nil, nil)
}

func (volume) size() *prometheus.Desc {
	return prometheus.NewDesc("sbs_volume_size_bytes", "Bytes of the data volume in all.", nil, nil)
}

// Describe implements prometheus.Collector.
func (v volume) Describe(descriptions chan<- *prometheus.Desc) {
	descriptions <- v.free()
	descriptions <- v.size()
}

// Collect implements prometheus.Collector.
func (v volume) Collect(metrics chan<- prometheus.Metric) {
	free, total, err := v.space()
	if err != nil {
		metrics <- prometheus.NewInvalidMetric(v.free(), err)
		return
	}
	metrics <- prometheus.MustNewConstMetric(v.free(), prometheus.GaugeValue, float64(free))
	metrics <- prometheus.MustNewConstMetric(v.size(), prometheus.GaugeValue, float64(total))
}
