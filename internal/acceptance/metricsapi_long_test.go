//go:build long

package acceptance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/internal/kafkatest"
)

// TestPrometheusAddsUpTheExport writes a script's records to a real Kafka for some minutes while a real Prometheus
// scrapes the export of the Metrics API: what Prometheus adds up is what the script wrote, and its log has no word of
// samples that came twice or too late. It wants `prometheus`, of Debian's package of that name.
func TestPrometheusAddsUpTheExport(t *testing.T) {
	prometheus := kafkatest.Tool(t, "prometheus", "prometheus")
	const script, each = 2 * time.Minute, 200 * time.Millisecond
	c := kafkatest.Shared(t, kafkatest.Options{})
	c.CreateTopic(t, "exported", 2)
	s := watch(t, c, "west", 2*time.Second)
	s.knows(t, "topic:west/exported")
	ports, err := kafkatest.FreePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	dir, base := t.TempDir(), fmt.Sprintf("127.0.0.1:%d", ports[0])
	config := filepath.Join(dir, "prometheus.yml")
	text := "scrape_configs: [{job_name: export, metrics_path: /v2/metrics/cloud/export, params: {'resource.kafka.id': [west]}, scrape_interval: 15s, " +
		"honor_timestamps: true, static_configs: [{targets: ['" + strings.TrimPrefix(s.url, "http://") + "']}]}]\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := run(t, filepath.Join(dir, "prometheus.log"), exec.Command(prometheus, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+base)) //nolint:noctx // child ends it
	// the script begins in a minute that is watched from its beginning
	sleepUntil(t, time.Now().Truncate(time.Minute).Add(time.Minute+5*time.Second))
	writer, written := c.Client(t), 0
	for end := time.Now().Add(script); time.Now().Before(end); time.Sleep(each) {
		for range 10 {
			if err := writer.ProduceSync(t.Context(), &kgo.Record{Topic: "exported", Value: []byte("x")}).FirstErr(); err != nil {
				t.Fatal(err)
			}
			written++
		}
	}
	query := `sum(sum_over_time(confluent_kafka_server_received_records{topic="exported"}[15m]))`
	eventually(t, 5*time.Minute, "Prometheus has what was written", func() error {
		var got struct {
			Data struct{ Result []struct{ Value [2]any } }
		}
		if err := p.fetch("http://"+base+"/api/v1/query?query="+url.QueryEscape(query), &got); err != nil {
			return err
		}
		if len(got.Data.Result) != 1 {
			return fmt.Errorf("there are %d results", len(got.Data.Result))
		}
		sum, err := strconv.ParseFloat(fmt.Sprint(got.Data.Result[0].Value[1]), 64)
		if err != nil {
			return err
		}
		if sum < .99*float64(written) || sum > 1.01*float64(written) {
			return fmt.Errorf("it adds up to %g, and %d were written", sum, written)
		}
		t.Logf("the script wrote %d records, and Prometheus adds up %g", written, sum)
		return nil
	})
	for _, line := range strings.Split(p.p.Output(), "\n") {
		if strings.Contains(line, "level=warn") || strings.Contains(line, "level=error") {
			t.Errorf("Prometheus says: %s", line)
		}
	}
	asksAtOnce(t, s)
}

// asksAtOnce asks as exporters do: the resources first, then what there is, then each metric of a minute, all at once.
func asksAtOnce(t *testing.T, s *server) {
	t.Helper()
	var descriptors struct{ Data []struct{ Name string } }
	for _, list := range []string{"resources", "metrics?resource_type=kafka"} {
		text, status, err := s.fetch(t, "/v2/metrics/cloud/descriptors/"+list)
		if err == nil {
			err = json.Unmarshal([]byte(text), &descriptors)
		}
		if err != nil || status != http.StatusOK {
			t.Fatalf("%s is answered with %d, %v", list, status, err)
		}
	}
	minute := time.Now().Add(-3 * time.Minute).Truncate(time.Minute).Format(time.RFC3339)
	var wait sync.WaitGroup
	for i := range 16 {
		wait.Go(func() {
			name := descriptors.Data[i%len(descriptors.Data)].Name
			body := fmt.Appendf(nil, `{"aggregations":[{"metric":%q}],"filter":{"op":"AND","filters":[{"op":"OR","filters":[{"field":"resource.kafka.id","op":"EQ","value":"west"}]}]},"granularity":"PT1M","group_by":[],"limit":1000,"intervals":["%s/PT1M"]}`, name, minute)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/v2/metrics/cloud/query", bytes.NewReader(body))
			if err != nil {
				t.Error(err)
				return
			}
			req.Header.Set("Content-Type", "application/json")
			r, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = r.Body.Close() }()
			if got, err := io.ReadAll(r.Body); err != nil || r.StatusCode != http.StatusOK {
				t.Errorf("%s is answered with %d %s, %v", name, r.StatusCode, got, err)
			}
		})
	}
	wait.Wait()
}
