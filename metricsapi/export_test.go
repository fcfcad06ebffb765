package metricsapi_test

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/lineaged/lineaged/lineage"
)

// TestTheNewestSettledMinuteIsExported: at ten past, that is the one before eight past.
func TestTheNewestSettledMinuteIsExported(t *testing.T) {
	in(t, func(t *testing.T, s *shop) {
		code, body, header := s.ask("GET", "cloud/export?resource.kafka.id=west&resource.kafka.id="+string(west)+"&resource.connector.id=warehouse", "")
		if code != 200 || !strings.HasPrefix(header.Get("Content-Type"), "text/plain; version=0.0.4") {
			t.Fatalf("an export is answered with %d %s", code, header)
		}
		for _, want := range []string{
			"# TYPE confluent_kafka_server_received_records gauge\n",
			`confluent_kafka_server_received_records{kafka_id="west",topic="orders"} 600 946685220000` + "\n",
			`confluent_kafka_server_received_records{kafka_id="west",topic="payments"} 300 946685220000` + "\n",
			`confluent_kafka_server_sent_records{kafka_id="west",topic="orders"} 540 946685220000` + "\n",
			`confluent_kafka_server_consumer_lag_offsets{consumer_group_id="billing",kafka_id="west",topic="orders"} 48 946685220000` + "\n",
			`confluent_kafka_server_retained_bytes{kafka_id="west",topic="orders"} 48000 946685220000` + "\n",
			`confluent_kafka_server_partition_count{kafka_id="west"} 12 946685220000` + "\n",
			`confluent_kafka_connect_received_records{connector_id="warehouse",topic="payments"} 60 946685220000` + "\n",
		} {
			if strings.Count(body, want) != 1 {
				t.Errorf("%s is there %d times in\n%s", want, strings.Count(body, want), body)
			}
		}
		parser := expfmt.NewTextParser(model.LegacyValidation)
		if _, err := parser.TextToMetricFamilies(strings.NewReader(body)); err != nil {
			t.Error(err)
		}
		_, only, _ := s.ask("GET", "cloud/export?resource.kafka.id=west&metric=io.confluent.kafka.server/partition_count", "")
		if strings.Count(only, "# TYPE") != 1 || !strings.Contains(only, "partition_count") {
			t.Errorf("of one metric there is\n%s", only)
		}
	})
}

// TestLint holds the export to what Prometheus' own linter says of metrics. Names are Confluent's, and what it says of
// these is listed here: another complaint is one of ours.
func TestLint(t *testing.T) {
	in(t, func(t *testing.T, s *shop) {
		_, body, _ := s.ask("GET", "cloud/export?resource.kafka.id=west&resource.connector.id=warehouse", "")
		problems, err := promlint.New(strings.NewReader(body)).Lint()
		if err != nil || strings.Count(body, "# HELP ") < 7 {
			t.Fatalf("%v\n%s", err, body)
		}
		accepted := map[string]string{
			"confluent_kafka_server_partition_count": `non-histogram and non-summary metrics should not have "_count" suffix`,
		}
		for _, p := range problems {
			if accepted[p.Metric] != p.Text {
				t.Errorf("%s: %s", p.Metric, p.Text)
			}
			delete(accepted, p.Metric)
		}
		for name, text := range accepted {
			t.Errorf("of %s it is not said any more that %s", name, text)
		}
	})
}

// TestOpenMetricsHasSeconds: the other format counts time in another unit, and has an end.
func TestOpenMetricsHasSeconds(t *testing.T) {
	in(t, func(t *testing.T, s *shop) {
		_, body, header := s.ask("GET", "cloud/export?resource.kafka.id=west", "", "Accept", "application/openmetrics-text;version=1.0.0")
		if !strings.HasPrefix(header.Get("Content-Type"), "application/openmetrics-text; version=1.0.0") {
			t.Errorf("OpenMetrics is %s", header.Get("Content-Type"))
		}
		if want := `confluent_kafka_server_received_records{kafka_id="west",topic="orders"} 600.0 9.4668522e+08`; !strings.Contains(body, want) || !strings.HasSuffix(body, "# EOF\n") {
			t.Errorf("%s is not in\n%s", want, body)
		}
	})
}

// TestAMinuteIsExportedOnce: what comes late changes no sample that was scraped.
func TestAMinuteIsExportedOnce(t *testing.T) {
	in(t, func(t *testing.T, s *shop) {
		const path = "cloud/export?resource.kafka.id=west&metric=io.confluent.kafka.server/received_records"
		_, first, _ := s.ask("GET", path, "")
		late := s.next(43) // of the minute that is exported
		late.Source.Name = "late"
		late.Samples = append(late.Samples, s.more(lineage.Access{Topic: topic("returns")}, lineage.Appended, lineage.NoEvidence, 5))
		s.observe(late)
		if _, second, _ := s.ask("GET", path, ""); first != second {
			t.Errorf("the same minute is exported as\n%s and as\n%s", first, second)
		}
	})
}
