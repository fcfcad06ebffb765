package connect

import (
	"regexp"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/internal/alias"
	"github.com/lineaged/lineaged/lineage"
)

// This file says which topics a connector reads and writes, and where.

// home returns the Kafka cluster that a client of a connector's is told: the workers' own, unless the connector
// overrides its bootstrap servers (KIP-458). A sink reads by a consumer; what it writes to its dead letter queue, and
// all that a source writes, goes by a producer.
func (t *take) home(name string, get func(string) string, consumer bool) lineage.ClusterID {
	key := "producer.override.bootstrap.servers"
	if consumer {
		key = "consumer.override.bootstrap.servers"
	}
	servers := get(key)
	if servers == "" {
		return t.kafka()
	}
	return t.found("the topics of connector "+name+": its "+key, servers)
}

// found returns the Kafka cluster that a setting leads to; empty, and said, where that is no watched one. what is the
// setting, and of what.
func (t *take) found(what, servers string) lineage.ClusterID {
	w, a, ok := t.cfg.Board.Find(t.cfg.Name, "", []string{servers}, nil)
	switch {
	case ok:
	case a.Told():
		t.spot(what+" lead to the cluster "+a.Cluster+", which was not seen yet", "see why that cluster's source is lost")
	case a.Problem == alias.NotWatched:
		t.spot(what+" lead to a Kafka cluster that is not watched", a.Remedy())
	default:
		t.spot(what+": to which Kafka cluster they lead can't be told: "+a.Why, a.Remedy())
	}
	return w.ID
}

// counted reports whether the broker counts a connector's records: its producers are idempotent, or write in
// transactions (KIP-618). Workers that have exactly-once switched on write so for all source connectors; of those that
// do not ask for it, the transactional.id tells, to who keeps a topic's books.
func counted(get func(string) string) bool {
	return strings.EqualFold(get("producer.override.enable.idempotence"), "true") || strings.EqualFold(get("exactly.once.support"), "required")
}

// unresolved reports whether a setting's value stands elsewhere, as in ${file:/etc/secrets:url}, or differs from record
// to record. ${topic} is what a name's format may hold.
func unresolved(value string) bool {
	return strings.Contains(strings.ReplaceAll(value, topicInName, ""), "${")
}

const topicInName = "${topic}"

// sinkTopics are the topics that a sink reads: those that its configuration names, and only where that can't be read
// those that it has read. The latter stay when it is configured anew.
func (t *take) sinkTopics(name string, home lineage.ClusterID, get func(string) string, c *connector) []string {
	all, ok := listed(get("topics"))
	if !ok {
		all, ok = t.matching(name, home, get("topics.regex"))
	}
	if !ok {
		all = slices.Clone(c.topics)
	}
	dead := get("errors.deadletterqueue.topic.name")
	all = slices.DeleteFunc(all, func(topic string) bool { return topic == dead })
	slices.Sort(all)
	return slices.Compact(all)
}

// listed returns the topics of a list; ok is false when there is none to read.
func listed(list string) (all []string, ok bool) {
	if unresolved(list) {
		return nil, false
	}
	for topic := range strings.SplitSeq(list, ",") {
		if topic = strings.TrimSpace(topic); topic != "" {
			all = append(all, topic)
		}
	}
	return all, len(all) > 0
}

// matching returns the topics of a cluster that match a Java expression; ok is false where that can't be told, which is
// said.
func (t *take) matching(name string, home lineage.ClusterID, pattern string) (all []string, ok bool) {
	if pattern == "" || home == "" {
		return nil, false
	}
	// Java's expression matches the whole name. RE2 lacks its look-around and back references.
	re, err := regexp.Compile(`^(?:` + pattern + `)$`)
	if err != nil || unresolved(pattern) {
		t.spot("the topics that connector "+name+" will read: its topics.regex can't be read; those that it has read are known",
			"use an expression without look-around and back references, or a list of topics")
		return nil, false
	}
	w, ok := t.cfg.Board.ByID(home)
	if !ok {
		if t.settled() {
			t.spot("the topics that connector "+name+" will read: its topics.regex is for a Kafka cluster that is not watched; those that it has read are known", "configure that cluster under clusters")
		}
		return nil, false
	}
	for _, topic := range w.Topics {
		if re.MatchString(topic) && !strings.HasPrefix(topic, "__") {
			all = append(all, topic)
		}
	}
	return all, true
}

var fileSource = simple("FileStreamSource")

// sourceTopics are the topics that a source has written, and those that it is plainly configured to, as its
// transformations call them. Where these depend on the record only the former tell. whole is true when the
// configuration alone says all: what it has written stays when it is configured anew. exists says of a table's topic,
// which is made with its first record, whether it is there to be told.
func sourceTopics(get func(string) string, c *connector, exists func(topic string) bool) (all []string, whole bool) {
	all = slices.Clone(c.topics)
	if topic := plainTopic(get); fileSource.MatchString(get("connector.class")) && topic != "" && get("transforms") == "" {
		return []string{topic}, true
	}
	route := routes(get)
	for _, topic := range configuredTopics(get) {
		table := topic != plainTopic(get)
		if route != nil {
			topic = route(topic)
		}
		if topic != "" && (!table || exists(topic)) {
			all = append(all, topic)
		}
	}
	slices.Sort(all)
	return slices.Compact(all), false
}

// plainTopic is the one topic that a setting names; empty: none does.
func plainTopic(get func(string) string) string {
	if topic := first(get, "topic", "kafka.topic"); !unresolved(topic) {
		return topic
	}
	return ""
}

// configuredTopics are the topics that a source is configured to write, as it calls them itself.
func configuredTopics(get func(string) string) (all []string) {
	if topic := plainTopic(get); topic != "" {
		all = append(all, topic)
	}
	return append(append(all, jdbcTopics(get)...), debeziumTopics(get)...)
}

// plainTable are names that stand for themselves in Debezium's lists, which hold expressions: schema.table or
// schema\.table.
var plainTable = regexp.MustCompile(`^[A-Za-z0-9_-]+(?:\\?\.[A-Za-z0-9_-]+)+$`)

// debeziumTopics are the topics of the tables that a Debezium connector lists: PREFIX.SCHEMA.TABLE, or
// PREFIX.DATABASE.SCHEMA.TABLE where it reads several databases of one server. An expression that is no name, and a
// strategy of somebody else's, nobody can read.
func debeziumTopics(get func(string) string) (all []string) {
	class, ok := strings.CutPrefix(get("connector.class"), "io.debezium.connector.")
	kind, _, _ := strings.Cut(class, ".")
	prefix := first(get, "topic.prefix", "database.server.name")
	if _, known := debeziumKinds[kind]; !ok || !known || prefix == "" || unresolved(prefix) || get("topic.delimiter") != "" {
		return nil
	}
	if by := get("topic.naming.strategy"); by != "" && by != "io.debezium.schema.SchemaTopicNamingStrategy" && by != "io.debezium.schema.DefaultTopicNamingStrategy" {
		return nil
	}
	tables, _ := listed(first(get, "table.include.list", "collection.include.list", "table.whitelist"))
	databases := []string{""}
	if kind == "sqlserver" {
		databases, _ = listed(get("database.names"))
	}
	for _, table := range tables {
		if !plainTable.MatchString(table) {
			continue
		}
		for _, database := range databases {
			all = append(all, join(prefix, database, strings.ReplaceAll(table, `\`, "")))
		}
	}
	return all
}

// jdbcTopics are the topics that a JDBC source is configured to write: its prefix, and the table unless it has a query.
func jdbcTopics(get func(string) string) (all []string) {
	prefix := get("topic.prefix")
	if !strings.Contains(strings.ToLower(get("connector.class")), "jdbc") || unresolved(prefix) {
		return nil
	}
	if get("query") != "" {
		if prefix != "" {
			all = append(all, prefix)
		}
		return all
	}
	tables, _ := listed(first(get, "table.whitelist", "table.include.list"))
	for _, table := range tables {
		all = append(all, prefix+table[strings.LastIndexByte(table, '.')+1:])
	}
	return all
}
