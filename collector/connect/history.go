package connect

import (
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// This file says where a connector of Debezium's keeps the history of its database's schema: a topic that it needs to
// start again, that Connect does not count among the connector's own, and whose cluster it is told of apart. See
// "Database schema history" in Debezium's documentation of the connectors for MySQL, MariaDB, SQL Server, Oracle, Db2.

// historians are those of Debezium's connectors, by the package, that keep such a history.
var historians = map[string]bool{"mysql": true, "mariadb": true, "sqlserver": true, "oracle": true, "db2": true}

// historyTopic returns the topic that a connector writes the history of its schema to, and which of its settings says
// in what cluster; both empty: it keeps none in Kafka, or its settings do not tell. Debezium's settings had other names
// before 2.0. What reads the history, at the connector's start, commits nothing: only the writer leaves a trace.
func historyTopic(get func(string) string) (topic, servers string) {
	class, ok := strings.CutPrefix(get("connector.class"), "io.debezium.connector.")
	if kind, _, _ := strings.Cut(class, "."); !ok || !historians[kind] {
		return "", ""
	}
	for _, prefix := range []string{"schema.history.internal", "database.history"} {
		// the default, and the same before 2.0: io.debezium.relational.history.KafkaDatabaseHistory
		if in := get(prefix); in != "" && !strings.HasSuffix(in, ".KafkaSchemaHistory") && !strings.HasSuffix(in, ".KafkaDatabaseHistory") {
			return "", ""
		}
		if topic := get(prefix + ".kafka.topic"); topic != "" && !unresolved(topic) {
			return topic, prefix + ".kafka.bootstrap.servers"
		}
	}
	return "", ""
}

// history returns where the history of a connector's schema is kept; of no name: nowhere that can be told.
func (t *take) history(name string, get func(string) string) lineage.Topic {
	topic, servers := historyTopic(get)
	if topic == "" {
		return lineage.Topic{}
	}
	home := t.found("the schema history of connector "+name+": its "+servers, get(servers))
	if home == "" {
		return lineage.Topic{}
	}
	return lineage.Topic{Cluster: home, Name: topic}
}

// historyCounted reports whether the broker counts what is written to the history: Debezium's producer asks for the
// leader's acknowledgement alone, which switches idempotence off where nobody asks for it by name. Who asks for all of
// the replicas' has it on, as it is by default.
func historyCounted(get func(string) string) bool {
	for _, prefix := range []string{"schema.history.internal.producer.", "database.history.producer."} {
		if idempotent := get(prefix + "enable.idempotence"); idempotent != "" {
			return strings.EqualFold(idempotent, "true")
		}
		if acks := get(prefix + "acks"); acks != "" {
			return acks == "all" || acks == "-1"
		}
	}
	return false
}
