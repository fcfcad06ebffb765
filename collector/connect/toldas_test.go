package connect

import (
	"slices"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// Debezium's connectors send OpenLineage events of their own, as jobs that are named by what they are configured to:
// each is the connector, and where its topics are is known to who hears it. What does not tell its name names nothing.
func TestConnectorsThatTellOfThemselves(t *testing.T) {
	w := newWorker(t)
	postgres := func(more ...string) map[string]any {
		c := map[string]any{
			"connector.class": "io.debezium.connector.postgresql.PostgresConnector", "database.hostname": "db", "database.dbname": "shop", "topic.prefix": "shop", "openlineage.integration.enabled": "true",
		}
		for i := 0; i < len(more); i += 2 {
			c[more[i]] = more[i+1]
		}
		return c
	}
	source := func(c map[string]any) *fake { return running("source", []string{"orders"}, c) }
	w.connectors["plain"] = source(postgres())
	w.connectors["named"] = source(postgres("topic.prefix", "bill", "openlineage.integration.job.namespace", "cdc"))
	w.connectors["many"] = source(postgres("topic.prefix", "many"))
	w.connectors["many"].tasks = []string{"RUNNING", "RUNNING", "FAILED"}
	w.connectors["elsewhere"] = source(postgres("topic.prefix", "east", "producer.override.bootstrap.servers", "10.0.0.2:9092"))
	w.connectors["off"] = source(postgres("topic.prefix", "off", "openlineage.integration.enabled", "false"))
	w.connectors["secret"] = source(postgres("topic.prefix", "${env:PREFIX}"))
	w.connectors["other"] = source(map[string]any{"connector.class": "org.example.Source", "topic.prefix": "other", "openlineage.integration.enabled": "true"})
	w.connectors["sink"] = running("sink", nil, map[string]any{"connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector", "connection.url": "jdbc:postgresql://db/shop", "topics": "orders", "openlineage.integration.enabled": "true"})
	r := newRig(t, w, nil)
	since := r.round
	if _, _, awaited := r.board.HomeOf(lineage.Node{Scope: "shop", Kind: lineage.StreamJobNode, Name: "shop.0"}, since); !awaited {
		t.Error("nobody waits for a Connect that was not asked yet")
	}
	r.take()
	facts := r.facts(lineage.ConnectorFacts)
	for name, want := range map[string][]string{
		"plain": {"streamjob:shop/shop.0"}, "named": {"streamjob:cdc/bill.0"}, "many": {"streamjob:many/many.0", "streamjob:many/many.1", "streamjob:many/many.2"},
		"elsewhere": {"streamjob:east/east.0"}, "off": nil, "secret": nil, "other": nil, "sink": {"streamjob:sink/sink.0"},
	} {
		var got []string
		for _, n := range facts[name].Connector.Also {
			got = append(got, n.ID())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s is also %q, want %q", name, got, want)
		}
	}
	home := func(namespace, name string) string {
		w, ok, awaited := r.board.HomeOf(lineage.Node{Scope: namespace, Kind: lineage.StreamJobNode, Name: name}, since)
		if awaited {
			t.Errorf("%s is waited for after Connect has told", name)
		}
		if !ok {
			return ""
		}
		return w.Source
	}
	for name, want := range map[string]string{"shop": "west", "many": "west", "east": "east", "sink": "west", "off": ""} {
		if got := home(name, name+".0"); got != want {
			t.Errorf("the topics of %s are in %q, want %q", name, got, want)
		}
	}
	if _, _, awaited := r.board.HomeOf(lineage.Node{Scope: "x", Kind: lineage.StreamJobNode, Name: "x.0"}, r.round.Add(time.Second)); !awaited {
		t.Error("what came after the newest look is not waited for")
	}
}
