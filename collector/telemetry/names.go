package telemetry

import (
	"strings"

	common "go.opentelemetry.io/proto/otlp/common/v1"

	"github.com/lineaged/lineaged/lineage"
)

// This file knows how clients and forwarders spell what they tell. Clients are of many versions and forwarders of many
// makers: dots and underscores are one, and what is not known is passed over.

// prefix is in front of all metrics of Kafka's clients.
const prefix = "org.apache.kafka."

// counting are the metrics that count records by topic. Other libraries than Java's have the same without a topic.
var counting = map[string]lineage.Op{
	"producer.topic.record.send.total":              lineage.Write,
	"consumer.fetch.manager.records.consumed.total": lineage.Read,
}

// metricOf returns what a metric is about; ok is false for one that is not a Kafka client's.
func metricOf(name string) (op lineage.Op, counts, ok bool) {
	name, ok = strings.CutPrefix(strings.ReplaceAll(name, "_", "."), prefix)
	if !ok {
		return op, false, false
	}
	op, counts = counting[name]
	return op, counts, true
}

// who is a client as its pushes name it.
type who struct {
	Instance, ClientID, Principal, Host, TransactionalID, Group, Software string
}

// named reports whether anything tells the client from others.
func (w who) named() bool { return w.Instance != "" || w.ClientID != "" }

// words are what attributes say: of a client, and where.
type words struct {
	who
	cluster string // id
	node    string // of the broker that it pushed to
	topic   string
}

// maxWord is the longest name that is taken, in bytes: Kafka's own names have 249 at most, principals are longer.
const maxWord = 1024

// within returns what is said by attributes of something within. What was said around it stands: that is the broker's
// word, or the forwarder's, and this may be the client's own of another.
func (w words) within(attributes []*common.KeyValue) words {
	var in words
	in.read(attributes)
	for _, f := range [...]struct{ out, in *string }{
		{&w.Instance, &in.Instance},
		{&w.ClientID, &in.ClientID},
		{&w.Principal, &in.Principal},
		{&w.Host, &in.Host},
		{&w.TransactionalID, &in.TransactionalID},
		{&w.Group, &in.Group},
		{&w.Software, &in.Software},
		{&w.cluster, &in.cluster},
		{&w.node, &in.node},
		{&w.topic, &in.topic},
	} {
		if *f.out == "" {
			*f.out = *f.in
		}
	}
	return w
}

// read takes in attributes; those that come later stand.
func (w *words) read(attributes []*common.KeyValue) {
	var name, version string // of its software
	for _, a := range attributes {
		key := strings.ReplaceAll(strings.ToLower(a.GetKey()), ".", "_")
		field := w.field(key)
		switch key {
		case "client_software_name":
			field = &name
		case "client_software_version":
			field = &version
		}
		if field == nil {
			continue
		}
		if v := text(a.GetValue()); v != "" && len(v) <= maxWord {
			*field = v
		}
	}
	if w.Software = name; name != "" && version != "" {
		w.Software += "/" + version
	}
}

func (w *words) field(key string) *string {
	switch key {
	case "client_instance_id":
		return &w.Instance
	case "client_id":
		return &w.ClientID
	case "principal", "client_principal", "kafka_principal":
		return &w.Principal
	case "client_host", "client_address", "client_source_address", "client_ip":
		return &w.Host
	case "transactional_id":
		return &w.TransactionalID
	case "group_id":
		return &w.Group
	case "kafka_cluster_id":
		return &w.cluster
	case "kafka_node_id", "kafka_broker_id":
		return &w.node
	case "topic":
		return &w.topic
	default:
		return nil
	}
}

func text(v *common.AnyValue) string {
	switch x := v.GetValue().(type) {
	case *common.AnyValue_StringValue:
		return x.StringValue
	case *common.AnyValue_IntValue:
		return decimal(x.IntValue)
	default:
		return ""
	}
}

// address is a client's address as the brokers' logs have it: Java puts a slash in front of one that has no name.
func address(host string) string { return host[strings.LastIndexByte(host, '/')+1:] }

// isTopic reports whether a name can be a topic's.
func isTopic(name string) bool {
	if name == "" || len(name) > 249 {
		return false
	}
	for i := range len(name) {
		if c := name[i]; ('a' > c || c > 'z') && ('A' > c || c > 'Z') && ('0' > c || c > '9') && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return true
}
