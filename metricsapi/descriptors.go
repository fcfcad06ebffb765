package metricsapi

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// label is a label of metrics or of resources, as descriptors have it.
type label struct {
	Key         string `json:"key"`
	Description string `json:"description"`
	Exportable  bool   `json:"exportable"`
}

// resource is a type of resources.
type resource struct {
	Type        string  `json:"type"`
	Description string  `json:"description"`
	Labels      []label `json:"labels"`
}

// resources are always all there: exporters end themselves where one is missing.
var resources = []resource{
	{"kafka", "A Kafka cluster that is watched.", []label{{"kafka.id", "Name of the cluster as it is configured, or the id that its brokers report.", true}}},
	{"connector", "A connector of a Kafka Connect cluster.", []label{{"connector.id", "Name of the connector.", true}}},
	{"ksql", "A ksqlDB application. None is told apart from other stream jobs yet.", []label{{"ksql.id", "Name of the application.", true}}},
	{"schema_registry", "A schema registry. No metrics of it are known yet.", []label{{"schema_registry.id", "Name of the registry.", true}}},
}

// metric is what can be asked for.
type metric struct {
	Name           string   `json:"name"`
	Description    string   `json:"description"`
	Type           string   `json:"type"`
	Unit           string   `json:"unit"`
	LifecycleStage string   `json:"lifecycle_stage"`
	Exportable     bool     `json:"exportable"`
	Resources      []string `json:"resources"`
	Labels         []label  `json:"labels"`

	measure answer.Measure // what is measured, where nobody asks who it was
	by      answer.Measure // the same by who it was; 0: that is all that there is
	bytes   bool
}

func (m *metric) gauge() bool { return strings.HasPrefix(m.Type, "GAUGE") }

// exported is the metric's name at Prometheus: without io. and with underscores.
func (m *metric) exported() string {
	return strings.NewReplacer(".", "_", "/", "_").Replace(strings.TrimPrefix(m.Name, "io."))
}

// dataset is a set of metrics under one name.
type dataset struct{ metrics []*metric }

func (d *dataset) find(name string) *metric {
	for _, m := range d.metrics {
		if m.Name == name {
			return m
		}
	}
	return nil
}

const (
	server  = "io.confluent.kafka.server/"
	connect = "io.confluent.kafka.connect/"

	minuteByMinute = " Counted minute by minute; a minute that was not observed is absent."
	byCommits      = " By the offsets that groups commit: readers that do not commit are missing, and a group that commits rarely comes late."
	bySize         = " Estimated: records times the mean size of the topic's records on disk."
)

var (
	topicLabel     = label{"topic", "Name of the topic.", true}
	groupLabel     = label{"consumer_group_id", "The consumer group.", false}
	clientLabel    = label{"client_id", "The client.id, where it is known.", false}
	principalLabel = label{"principal_id", "The principal, where it is known.", false}
	appLabel       = label{"application", "The application that the client is by the rules of lineaged.", false}
	writers        = []label{topicLabel, clientLabel, principalLabel, appLabel}
	readers        = []label{topicLabel, groupLabel, clientLabel, principalLabel, appLabel}
)

// datasets are what is served, by name.
var datasets = map[string]*dataset{
	"cloud": {[]*metric{
		{server + "received_records", "Records that were written to the topic, less markers of transactions that are known." + minuteByMinute, "COUNTER_DOUBLE", "1", "GENERAL_AVAILABILITY", true, []string{"kafka"}, writers, answer.MeasuredWritten, answer.MeasuredWrites, false},
		{server + "sent_records", "Records that were read from the topic." + byCommits + minuteByMinute, "COUNTER_DOUBLE", "1", "GENERAL_AVAILABILITY", true, []string{"kafka"}, readers, answer.MeasuredReads, 0, false},
		{server + "received_bytes", "Bytes that were written to the topic." + bySize + minuteByMinute, "COUNTER_DOUBLE", "By", "PREVIEW", true, []string{"kafka"}, writers, answer.MeasuredWritten, answer.MeasuredWrites, true},
		{server + "sent_bytes", "Bytes that were read from the topic." + bySize + byCommits + minuteByMinute, "COUNTER_DOUBLE", "By", "PREVIEW", true, []string{"kafka"}, readers, answer.MeasuredReads, 0, true},
		{server + "retained_bytes", "Bytes of the topic on disk, of one replica of each partition.", "GAUGE_DOUBLE", "By", "GENERAL_AVAILABILITY", true, []string{"kafka"}, []label{topicLabel}, answer.MeasuredRetained, 0, false},
		{server + "consumer_lag_offsets", "Records that the group is behind on the topic, all partitions.", "GAUGE_DOUBLE", "1", "GENERAL_AVAILABILITY", true, []string{"kafka"}, []label{{groupLabel.Key, groupLabel.Description, true}, topicLabel, clientLabel}, answer.MeasuredLag, 0, false},
		{server + "partition_count", "Partitions of all topics, Kafka's own left out. Of the past it is known since a topic was last described anew.", "GAUGE_INT64", "1", "GENERAL_AVAILABILITY", true, []string{"kafka"}, []label{}, answer.MeasuredPartitions, 0, false},
		{connect + "received_records", "Records that a sink connector read from the topic." + byCommits + minuteByMinute, "COUNTER_DOUBLE", "1", "GENERAL_AVAILABILITY", true, []string{"connector"}, []label{topicLabel}, answer.MeasuredReads, 0, false},
		{connect + "sent_records", "Records that a source connector wrote to the topic: those that no counted writer accounts for, where it alone can have written them." + minuteByMinute, "COUNTER_DOUBLE", "1", "PREVIEW", true, []string{"connector"}, []label{topicLabel}, answer.MeasuredWrites, 0, false},
	}},
	"dataflow": {[]*metric{
		{"received_records", "Records that clients wrote. What nobody is known to have written has no label of a client." + minuteByMinute, "COUNTER_DOUBLE", "1", "GENERAL_AVAILABILITY", false, []string{"kafka"}, writers, answer.MeasuredWrites, 0, false},
		{"sent_records", "Records that clients read." + byCommits + minuteByMinute, "COUNTER_DOUBLE", "1", "GENERAL_AVAILABILITY", false, []string{"kafka"}, readers, answer.MeasuredReads, 0, false},
		{"received_bytes", "Bytes that clients wrote." + bySize + minuteByMinute, "COUNTER_DOUBLE", "By", "PREVIEW", false, []string{"kafka"}, writers, answer.MeasuredWrites, 0, true},
		{"sent_bytes", "Bytes that clients read." + bySize + byCommits + minuteByMinute, "COUNTER_DOUBLE", "By", "PREVIEW", false, []string{"kafka"}, readers, answer.MeasuredReads, 0, true},
	}},
}

func datasetNames() string { return strings.Join(slices.Sorted(maps.Keys(datasets)), ", ") }

// row is one of whom a metric is measured.
type row struct {
	*answer.Measured
	kafka string // the cluster as who asks spells it
}

// label returns a label by its name in queries; known is false where it is not known of the row.
func (r *row) label(field string) (value string, known bool) {
	switch field {
	case "resource.kafka.id":
		value = r.kafka
	case "resource.connector.id":
		if r.Node.Kind == lineage.ConnectorNode {
			value = r.Node.Name
		}
	case "metric.topic":
		value = r.Topic.Name
	case "metric.consumer_group_id":
		value = r.Client.Group
	case "metric.client_id":
		value = r.Client.ClientID
	case "metric.principal_id":
		value = r.Client.Principal
	case "metric.application":
		if k := r.Node.Kind; k != lineage.NoKind && k != lineage.UnidentifiedNode {
			value = r.Node.Name
		}
	}
	return value, value != ""
}

// who are the labels that say who it was.
var who = []string{"metric.consumer_group_id", "metric.client_id", "metric.principal_id", "metric.application"}

// fields returns the names of a metric's labels in queries.
func (m *metric) fields() []string {
	out := []string{"resource.kafka.id"}
	if slices.Contains(m.Resources, "connector") {
		out = append(out, "resource.connector.id")
	}
	for _, l := range m.Labels {
		out = append(out, "metric."+l.Key)
	}
	return out
}

// measuredBy returns what is measured of a metric where some labels are asked for.
func (m *metric) measuredBy(fields []string) answer.Measure {
	if m.by != 0 && slices.ContainsFunc(fields, func(f string) bool { return slices.Contains(who, f) }) {
		return m.by
	}
	return m.measure
}

// listed is a page of descriptors or of label values.
type listed[T any] struct {
	Data  []T    `json:"data"`
	Meta  meta   `json:"meta"`
	Links *links `json:"links,omitempty"`
}

type meta struct {
	Pagination pagination `json:"pagination"`
}

type pagination struct {
	PageSize  int    `json:"page_size"`
	TotalSize *int   `json:"total_size,omitempty"`
	Next      string `json:"next_page_token,omitempty"`
}

type links struct {
	Next string `json:"next"`
}

// resources answers descriptors/resources.
func (a *API) resources(r *http.Request, _ *dataset) (reply, error) {
	params, err := readParams(r, "page_size", "page_token")
	if err != nil {
		return reply{}, err
	}
	return page(a, r, params, resources)
}

// metrics answers descriptors/metrics.
func (a *API) metrics(r *http.Request, set *dataset) (reply, error) {
	params, err := readParams(r, "page_size", "page_token", "resource_type")
	if err != nil {
		return reply{}, err
	}
	kind := params["resource_type"]
	if kind != "" && !slices.ContainsFunc(resources, func(t resource) bool { return t.Type == kind }) {
		return reply{}, bad("resource_type: %s is none of kafka, connector, ksql, schema_registry", quote(kind))
	}
	all := []*metric{}
	for _, m := range set.metrics {
		if kind == "" || slices.Contains(m.Resources, kind) {
			all = append(all, m)
		}
	}
	return page(a, r, params, all)
}
