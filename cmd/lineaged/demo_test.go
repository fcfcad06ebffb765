package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/config"
)

// The demo is useful within ten seconds, shows everyone, and leaves nothing behind.
func TestDemo(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	cfg, err := demoConfig("127.0.0.1:0", "warn")
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	var stderr strings.Builder
	s := start(t, func(ctx context.Context, stdout io.Writer) error {
		return (&program{stdout: stdout, stderr: &stderr}).runDemo(ctx, cfg, true, false)
	})
	if !strings.HasPrefix(s.url, "http://127.0.0.1:") {
		t.Errorf("the demo listens on %s", s.url)
	}
	orders := []string{
		"unidentified:west/orders->topic:west/orders",
		"topic:west/orders->application:shop/billing",
		"topic:west/orders->application:shop/fulfilment",
		"topic:west/orders->application:shop/order-enricher",
		"topic:west/orders->application:shop/west-to-east-copy",
		"topic:west/orders->application:shop/nightly-report",
	}
	eventually(t, 10*time.Second-time.Since(began), func() string { return s.lacks("topic:west/orders", orders) })
	t.Logf("useful after %v", time.Since(began))

	for root, flows := range map[string][]string{
		"topic:west/clickstream":    {"unidentified:west/clickstream->topic:west/clickstream", "topic:west/clickstream->application:shop/sessioniser", "topic:west/clickstream->application:shop/recommendations"},
		"topic:west/customers":      {"unidentified:west/customers->topic:west/customers", "topic:west/customers->application:shop/search-indexer", "topic:west/customers->application:shop/order-enricher"},
		"topic:west/inventory":      {"unidentified:west/inventory->topic:west/inventory"},
		"topic:west/payments":       {"unidentified:west/payments->topic:west/payments", "topic:west/payments->application:shop/fraud-detector"},
		"topic:west/returns":        {"unidentified:west/returns->topic:west/returns", "topic:west/returns->application:shop/email-notifications"},
		"topic:west/shipments":      {"unidentified:west/shipments->topic:west/shipments", "topic:west/shipments->application:shop/courier-dispatch"},
		"topic:west/fraud-alerts":   {"unidentified:west/fraud-alerts->topic:west/fraud-alerts", "topic:west/fraud-alerts->application:shop/alerting"},
		"topic:west/order-enriched": {"application:shop/order-enricher->topic:west/order-enriched", "topic:west/order-enriched->application:shop/loyalty-points"},
		"topic:east/orders":         {"application:shop/west-to-east-copy->topic:east/orders", "topic:east/orders->application:shop/order-analytics"},
		"topic:east/order-metrics":  {"topic:east/order-metrics->application:shop/finance-dashboard"},
	} {
		eventually(t, 20*time.Second, func() string { return s.lacks(root, flows) })
	}

	var nodes struct {
		Nodes struct {
			Edges []struct {
				Node struct {
					ID, Owner string
					Tags      []string
				}
			}
		}
	}
	if problem := s.query(`{ nodes(tag: "pii") { edges { node { id owner tags } } } }`, &nodes); problem != "" {
		t.Fatal(problem)
	}
	if got := fmt.Sprint(nodes.Nodes.Edges); got != "[{{topic:west/customers team-crm [pii]}}]" {
		t.Errorf("what is tagged pii: %s", got)
	}

	s.end()
	if left, err := filepath.Glob(filepath.Join(tmp, "*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	for line := range strings.Lines(stderr.String()) {
		// On a busy machine a round of a second may come too late, and that is rightly said.
		if !strings.Contains(line, "no answer in time") && !strings.Contains(line, "end offsets are missing") && !strings.Contains(line, "took longer") && !strings.Contains(line, "source is back") {
			t.Errorf("the demo is noisy: %s", line)
		}
	}
}

// lacks returns which flows of a topic the server does not show as active yet.
func (s *server) lacks(root string, flows []string) string {
	s.t.Helper()
	var answer struct {
		Lineage struct {
			Flows []struct {
				ID     string
				Active bool
			}
		}
	}
	if problem := s.query(fmt.Sprintf(`{ lineage(roots: [%q], depth: 1, window: {last: "1m"}) { flows { id active } } }`, root), &answer); problem != "" {
		return problem
	}
	active := map[string]bool{}
	for _, f := range answer.Lineage.Flows {
		active[f.ID] = f.Active
	}
	for _, f := range flows {
		if !active[f] {
			return fmt.Sprintf("%s is not active; there are %v", f, answer.Lineage.Flows)
		}
	}
	return ""
}

// A taken port is no reason to fail, unless it was asked for.
func TestDemoPortTaken(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	cfg, err := demoConfig(taken.Addr().String(), "warn")
	if err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	p := &program{stdout: io.Discard, stderr: &stderr}
	if err := p.runDemo(t.Context(), cfg, true, false); err == nil {
		t.Error("a port that was asked for is taken, and the demo runs")
	}
	s := start(t, func(ctx context.Context, stdout io.Writer) error {
		return (&program{stdout: stdout, stderr: &stderr}).runDemo(ctx, cfg, false, false)
	})
	s.end()
	if want := taken.Addr().String() + " is taken, using another port\n"; stderr.String() != want {
		t.Errorf("stderr is %q, want %q", stderr.String(), want)
	}
	if local, err := config.Loopback(strings.TrimPrefix(s.url, "http://")); err != nil || !local {
		t.Errorf("the demo listens on %s", s.url)
	}
}
