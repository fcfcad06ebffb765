package kafka

import (
	"strings"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// strategies are the classes of Confluent by which a broker names subjects; without a package as Redpanda has them.
var strategies = map[string]lineage.SubjectStrategy{
	"TopicNameStrategy": lineage.TopicName, "RecordNameStrategy": lineage.RecordName, "TopicRecordNameStrategy": lineage.TopicRecordName,
}

// strategyPackage is where Confluent's are.
const strategyPackage = "io.confluent.kafka.serializers.subject."

// subjectNames is what the topics' own settings say of subjects.
func (t *take) subjectNames() map[string]collector.SubjectNames {
	var out map[string]collector.SubjectNames
	for name, tp := range t.byName {
		if is := subjectNamesOf(tp.configs); is != (collector.SubjectNames{}) {
			if out == nil {
				out = map[string]collector.SubjectNames{}
			}
			out[name] = is
		}
	}
	return out
}

// subjectNamesOf reads the settings of Confluent Server and Redpanda. A strategy without validation is of no effect.
func subjectNamesOf(configs []lineage.Config) (names collector.SubjectNames) {
	set := map[string]string{}
	for _, c := range configs {
		if rest, ok := strings.CutPrefix(c.Name, "confluent."); ok {
			set[rest] = c.Value
		}
		if rest, ok := strings.CutPrefix(c.Name, "redpanda."); ok {
			set[strings.Replace(rest, ".schema.id.validation", ".schema.validation", 1)] = c.Value
		}
	}
	of := func(part string) lineage.SubjectStrategy {
		if set[part+".schema.validation"] != "true" {
			return lineage.NoStrategy
		}
		class, told := set[part+".subject.name.strategy"]
		if !told {
			return lineage.TopicName // the default of both
		}
		if is, known := strategies[strings.TrimPrefix(class, strategyPackage)]; known || class == "" {
			return is
		}
		return collector.OtherStrategy
	}
	return collector.SubjectNames{Key: of("key"), Value: of("value")}
}
