package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/collector/logs"
	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/timeseries"
)

// TestAuditTopicOfAnotherCluster follows an audit topic that is not in the cluster of which it tells: who was allowed
// to write is in the answers, with the evidence, and who was refused is an event.
func TestAuditTopicOfAnotherCluster(t *testing.T) {
	west, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ClusterID("kfake-west"), kfake.SeedTopics(1, "orders"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(west.Close)
	audits, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ClusterID("kfake-audit"), kfake.SeedTopics(1, "confluent-audit-log-events"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(audits.Close)
	cfg := testConfig(t, west.ListenAddrs()[0])
	cfg.Clusters[0].Audit = []config.Audit{{Topic: "confluent-audit-log-events", ClusterID: "lkc-1", Brokers: audits.ListenAddrs()}}
	s := start(t, func(ctx context.Context, stdout io.Writer) error {
		return serve(ctx, cfg, reloader{}, slog.New(slog.DiscardHandler), stdout)
	})
	client, err := kgo.NewClient(kgo.SeedBrokers(audits.ListenAddrs()...), kgo.DefaultProduceTopic("confluent-audit-log-events"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	record := func(cluster, principal, granted string) *kgo.Record {
		return &kgo.Record{Value: []byte(`{"type":"io.confluent.kafka.server/authorization","source":"crn://confluent.cloud/kafka=` + cluster + `","time":"` + time.Now().UTC().Format(time.RFC3339) +
			`","data":{"methodName":"kafka.Produce","authenticationInfo":{"principal":"User:` + principal + `"},"authorizationInfo":{"granted":` + granted +
			`,"operation":"Write","resourceType":"Topic","resourceName":"orders","patternType":"LITERAL"},"request":{"client_id":"` + principal + `-web"}}}`)}
	}
	if err := client.ProduceSync(t.Context(), record("lkc-1", "shop", "true"), record("lkc-2", "forged", "true"), record("lkc-1", "eve", "false")).FirstErr(); err != nil {
		t.Fatal(err)
	}
	text := ""
	eventually(t, 20*time.Second, func() string {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/graphql", strings.NewReader(
			`{"query":"{ topicUsage(topic: \"topic:west/orders\", window: {last: \"1h\"}) { writers { from { id } active records evidence { kind } clients { clientId principal } } } events(window: {last: \"1h\"}) { edges { node { type detail } } } }"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		text = string(b)
		for _, want := range []string{`"kind":"AUDIT_LOG"`, `"principal":"User:shop"`, `"records":null`, "User:eve may not WRITE topic orders, for Produce"} {
			if !strings.Contains(text, want) {
				return want + " is not in " + text
			}
		}
		return ""
	})
	if strings.Contains(text, "forged") {
		t.Errorf("a record of another cluster names a client of this one: %s", text)
	}
	s.end()
}

// Nobody waits for an audit topic that the configuration does not name any more.
func TestAuditThatIsOffIsRetired(t *testing.T) {
	store := timeseries.NewMemory(timeseries.Options{Tick: 10 * time.Second})
	defer func() { _ = store.Close() }()
	round := time.Now().UTC().Truncate(10 * time.Second)
	var facts []lineage.Fact
	for _, topic := range []string{"kept", "gone"} {
		facts = append(facts, lineage.Fact{
			Key:    lineage.FactKey{Source: "west", Kind: lineage.SourceFacts, Name: logs.AuditSource(topic)},
			Source: &lineage.SourceFact{State: lineage.SourceExpected, Interval: 10 * time.Second},
		})
	}
	err := store.Append(t.Context(), lineage.Observation{
		Source: lineage.Source{Cluster: "west", Name: logs.AuditSource("kept")}, Round: round, Interval: 10 * time.Second, At: round, Facts: facts,
	})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	s := &sink{Store: store, clock: collector.NewClock(10*time.Second, nil, nil, round, log), log: log}
	cfg := config.Config{Clusters: []config.Cluster{{Name: "west", Audit: []config.Audit{{Topic: "kept"}}}}}
	if err := s.retire(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if len(s.retired) != 1 || s.retired[0].Key.Name != "audit:gone" {
		t.Errorf("retired: %+v", s.retired)
	}
}
