package runevent

import "slices"

// envelope are the columns of Spark's Kafka source and sink, whatever the records hold: what Kafka keeps of a record.
// See the Kafka integration guide of Spark's Structured Streaming.
var envelope = [...]string{"key", "value", "topic", "partition", "offset", "timestamp", "timestampType", "headers"}

// wraps reports whether a schema is that of Spark's Kafka source or sink: it says nothing of the topic's columns.
func (r *reader) wraps(s *Schema) bool {
	return r.spark && IsKafka(s.Dataset.Namespace) && !slices.ContainsFunc(s.Columns, func(c Column) bool {
		return !slices.Contains(envelope[:], c.Names[0])
	})
}

// inside returns which column of a dataset is meant by a name. Spark's value of a topic is all of its columns; ok is
// false for what is beside the value.
func (r *reader) inside(n Name, name string) (path string, ok bool) {
	if !r.spark || !IsKafka(n.Namespace) || !slices.Contains(envelope[:], name) {
		return name, true
	}
	return "", name == "value"
}
