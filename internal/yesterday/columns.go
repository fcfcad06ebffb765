package yesterday

import (
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// This file tells what the demo's schema registry and its connectors say of columns.

// registry is the name that the schema registry bears in the demo.
const registry = "demo-registry"

// schema is a version of the subject of a topic's values.
type schema struct {
	topic          string
	id, version    int
	format, record string
	columns        string // PATH TYPE, one a line; with a question mark behind where it may be missing
	changed        string // how it differs from the version before it; empty: there was none
}

// schemas are those that the registry has, each topic's in order of versions. A second version comes when the topic
// refunds does.
var schemas = [...]schema{
	{topic: "orders", id: 1, version: 1, format: "AVRO", record: "example.shop.Order", columns: `id string
		customer_id string
		customer_email string
		delivery_phone string?
		total bytes decimal
		currency string
		notes string?
		placed_at long timestamp-millis`},
	{topic: "customers", id: 2, version: 1, format: "JSON", record: "Customer", columns: `id string
		name string?
		email string
		address object?
		address.street string?
		address.city string?
		address.country string`},
	{topic: "customers", id: 3, version: 2, format: "JSON", record: "Customer", columns: `id string
		name string?
		email string
		phone string?
		address object?
		address.street string?
		address.city string?
		address.country string`, changed: "; new: phone"},
	{topic: "payments", id: 4, version: 1, format: "PROTOBUF", record: "example.shop.Payment", columns: `id string?
		order_id string?
		amount_cents int64?
		method string?
		card message example.shop.Payment.Card?
		card.brand string?
		card.last_four string?`},
	{topic: stock.Name, id: 5, version: 1, format: "AVRO", record: "inventory.public.stock_levels.Value", columns: `sku string
		warehouse string
		quantity int
		__op string?
		__ts_ms long?`},
}

func (x *schema) subject() string { return x.topic + "-value" }

func (x *schema) fact(west lineage.ClusterID) *lineage.SchemaFact {
	f := &lineage.SchemaFact{
		Topic: lineage.Topic{Cluster: west, Name: x.topic}, Part: lineage.ValuePart, Origin: lineage.FromRegistry, Subject: x.subject(),
		Version: x.version, ID: x.id, Strategy: lineage.TopicName, Compatibility: "BACKWARD", Format: x.format, Record: x.record,
	}
	for line := range strings.Lines(x.columns) {
		path, kind, _ := strings.Cut(strings.TrimSpace(line), " ")
		c := lineage.Column{Path: path, Type: strings.TrimSuffix(kind, "?"), Presence: lineage.AlwaysThere}
		if c.Type != kind {
			c.Presence = lineage.MayBeMissing
		}
		f.Columns = append(f.Columns, c)
	}
	return f
}

// registry tells which schemas there are, and when one changes.
func (r *telling) registry(s *script) {
	o := r.source(lineage.Source{Cluster: registry, Name: "schemas"})
	for i := range schemas {
		x, since := &schemas[i], s.start
		if x.changed != "" {
			since = s.created
		}
		if !r.begins(since) {
			continue
		}
		topic := s.topics["west/"+x.topic].Topic
		o.Facts = append(o.Facts, lineage.Fact{Key: lineage.FactKey{Source: registry, Kind: lineage.SchemaFacts, Name: x.subject()}, Schema: x.fact(topic.Cluster)})
		if x.changed != "" {
			o.Events = append(o.Events, lineage.Event{
				At: since, Type: lineage.SchemaChanged, Topic: topic, Detail: "the subject " + x.subject() + " has version 2, and had 1" + x.changed,
			})
		}
	}
}

// transforms are what the connectors do to columns, as their settings say it.
func transforms() map[string][]lineage.Transform {
	const kafka = "org.apache.kafka.connect.transforms."
	return map[string][]lineage.Transform{
		warehouse.Name: {
			{
				Name: "shape", Class: kafka + "ReplaceField$Value", Kind: lineage.ReplaceColumns, Part: lineage.ValuePart,
				Drop: []string{"notes"}, Renames: []lineage.Rename{{From: "customer_email", To: "email"}},
			},
			{Name: "hide", Class: kafka + "MaskField$Value", Kind: lineage.MaskColumns, Part: lineage.ValuePart, Fields: []string{"delivery_phone"}},
		},
		inventory.Name: {{
			Name: "unwrap", Class: "io.debezium.transforms.ExtractNewRecordState", Kind: lineage.UnwrapChange, Part: lineage.ValuePart,
			Renames: []lineage.Rename{{From: "op", To: "__op"}, {From: "ts_ms", To: "__ts_ms"}},
		}},
	}
}

func changes(name string) lineage.Fact {
	return lineage.Fact{Key: lineage.FactKey{Source: connect, Kind: lineage.TransformFacts, Name: name}, Transform: &lineage.TransformFact{Steps: transforms()[name]}}
}
