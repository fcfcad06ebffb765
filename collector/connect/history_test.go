package connect

import (
	"strings"
	"testing"

	"github.com/lineaged/lineaged/collector"
)

// A connector of Debezium's can't start again without the history of its schema: the topic is its own although Connect
// does not track it, wherever it lies.
func TestSchemaHistory(t *testing.T) {
	w := newWorker(t)
	add := func(name, class string, more ...string) {
		c := map[string]any{"connector.class": "io.debezium.connector." + class, "database.hostname": "db", "topic.prefix": "t", "table.include.list": "shop.customers"}
		for i := 0; i < len(more); i += 2 {
			c[more[i]] = more[i+1]
		}
		w.connectors[name] = running("source", []string{"t"}, c)
	}
	const topic, servers = "schema.history.internal.kafka.topic", "schema.history.internal.kafka.bootstrap.servers"
	const mysql = "mysql.MySqlConnector"
	add("here", mysql, topic, "history-here", servers, "10.0.0.1:9092")
	add("far", "sqlserver.SqlServerConnector", topic, "history-far", servers, "x:1,10.0.0.2:9092", "schema.history.internal.producer.enable.idempotence", "true")
	add("old", mysql, "database.history.kafka.topic", "history-old", "database.history.kafka.bootstrap.servers", "10.0.0.1:9092", "database.history", "io.debezium.relational.history.KafkaDatabaseHistory")
	add("all", mysql, topic, "history-all", servers, "10.0.0.1:9092", "schema.history.internal.producer.acks", "all")
	add("off", mysql, topic, "history-off", servers, "10.0.0.1:9092", "schema.history.internal.producer.acks", "all", "schema.history.internal.producer.enable.idempotence", "false")
	add("lost", mysql, topic, "history-lost", servers, "me:"+canary+"@nowhere:9092")
	add("file", mysql, topic, "history-file", servers, "10.0.0.1:9092", "schema.history.internal", "io.debezium.storage.file.history.FileSchemaHistory")
	add("postgres", "postgresql.PostgresConnector", topic, "history-pg", servers, "10.0.0.1:9092")
	add("elsewhere", mysql, topic, "${file:/etc/s:topic}", servers, "10.0.0.1:9092")
	add("stopped", mysql, topic, "history-stopped", servers, "10.0.0.1:9092")
	w.connectors["stopped"].state = "STOPPED"
	r := newRig(t, w, nil)
	west, _ := r.board.ByID(kafka)
	west.Bootstrap = []string{"10.0.0.1:9092"}
	r.board.SetCluster(west)
	r.board.SetCluster(collector.Watched{Source: "east", ID: "east-id", Bootstrap: []string{"10.0.0.2:9092"}})
	r.take() // as many as a round looks at
	r.take()
	r.want("here", "write west-id/history-here", "write west-id/t")
	r.want("far", "write east-id/history-far", "write west-id/t")
	r.want("old", "write west-id/history-old", "write west-id/t")
	r.want("stopped", "read mysql://db:3306 shop.customers", "write west-id/history-stopped", "write west-id/t", "write west-id/t.shop.customers")
	for _, name := range []string{"lost", "file", "postgres", "elsewhere"} {
		r.want(name, "write west-id/t")
	}
	if spots := r.spots(); !strings.Contains(spots, "the schema history of connector lost: its "+servers+" lead to a Kafka cluster that is not watched") {
		t.Errorf("blind spots: %s", spots)
	}
	for topic, want := range map[string]string{"history-here": "here", "history-old": "old", "history-stopped": "", "history-all": "", "history-off": "off"} {
		if got, _ := r.board.Writers(kafka).Of(topic); len(got) != min(len(want), 1) || want != "" && got[0].Name != want {
			t.Errorf("%s is written without a count by %v, want %q", topic, got, want)
		}
	}
	if got, _ := r.board.Writers("east-id").Of("history-far"); len(got) != 0 {
		t.Errorf("what idempotent producers write is counted: %v", got)
	}
}
