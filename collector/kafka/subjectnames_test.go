package kafka

import (
	"strings"
	"testing"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

func TestSubjectNames(t *testing.T) {
	f := func(settings string, key, value lineage.SubjectStrategy) {
		t.Helper()
		var configs []lineage.Config
		for s := range strings.FieldsSeq(settings) {
			name, text, _ := strings.Cut(s, "=")
			configs = append(configs, lineage.Config{Name: name, Value: text})
		}
		if got, want := subjectNamesOf(configs), (collector.SubjectNames{Key: key, Value: value}); got != want {
			t.Errorf("%s: %+v, want %+v", settings, got, want)
		}
	}
	const none, of = lineage.NoStrategy, "io.confluent.kafka.serializers.subject."
	f("", none, none)
	f("cleanup.policy=compact", none, none)
	f("confluent.value.schema.validation=true", none, lineage.TopicName)
	f("confluent.value.schema.validation=true confluent.value.subject.name.strategy="+of+"RecordNameStrategy", none, lineage.RecordName)
	f("confluent.key.schema.validation=true confluent.key.subject.name.strategy="+of+"TopicRecordNameStrategy", lineage.TopicRecordName, none)
	f("confluent.value.subject.name.strategy="+of+"RecordNameStrategy", none, none)
	f("confluent.value.schema.validation=false confluent.value.subject.name.strategy="+of+"RecordNameStrategy", none, none)
	f("confluent.value.schema.validation=true confluent.value.subject.name.strategy=com.example.Ours", none, collector.OtherStrategy)
	f("confluent.key.schema.validation=true confluent.key.subject.name.strategy=com.example.TopicNameStrategy", collector.OtherStrategy, none)
	f("confluent.value.subject.name.strategy=com.example.Ours", none, none)
	f("confluent.value.schema.validation=true confluent.value.subject.name.strategy=", none, none)
	f("redpanda.value.schema.id.validation=true redpanda.value.subject.name.strategy=TopicRecordNameStrategy", none, lineage.TopicRecordName)
}
