package registry

import (
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// whose is which topic a subject is of.
type whose struct {
	topic    string // empty: it can't be told, for the reason
	part     lineage.SchemaPart
	strategy lineage.SubjectStrategy
	why      string
}

// Why a subject is of no topic, in words of which there are few.
const (
	whyRecord   = "they are called after a record (RecordNameStrategy), which any topic may hold"
	whyRecordID = "they are called after a record, in a group that is called as its namespace (RecordIdStrategy), which any topic may hold"
	whyTwo      = "their name can be read in two ways"
	whyNoTopic  = "no topic of the cluster is called as they say"
	whyOther    = "their name follows none of Confluent's strategies"
	whyOtherID  = "their name follows none of Apicurio's or Confluent's strategies"
	whyContext  = "they are of a context of their own, which may be another cluster's"
)

// readings are the ways in which a name can be read.
type readings struct {
	found   []whose
	missing bool // it could be read so if there were a topic of that name
	topic   func(string) bool
}

// end reads a name as that of a topic with something behind it.
func (r *readings) end(name, end string, part lineage.SchemaPart, strategy lineage.SubjectStrategy) {
	switch topic, ok := strings.CutSuffix(name, end); {
	case ok && r.topic(topic):
		r.found = append(r.found, whose{topic: topic, part: part, strategy: strategy})
	case ok:
		r.missing = true
	}
}

// confluent reads a name by Confluent's three strategies.
func (r *readings) confluent(name, record string) {
	r.end(name, "-key", lineage.KeyPart, lineage.TopicName)
	r.end(name, "-value", lineage.ValuePart, lineage.TopicName)
	if record == "" {
		return
	}
	if name == record {
		r.found = append(r.found, whose{strategy: lineage.RecordName, why: whyRecord})
	}
	r.end(name, "-"+record, lineage.NoPart, lineage.TopicRecordName)
}

// only returns the one reading that there is.
func (r *readings) only(other string) whose {
	switch {
	case len(r.found) == 1:
		return r.found[0]
	case len(r.found) > 1:
		return whose{why: whyTwo}
	case r.missing:
		return whose{why: whyNoTopic}
	default:
		return whose{why: other}
	}
}

func (confluentAPI) of(subject, record string, topic func(string) bool) whose {
	if rest, in := strings.CutPrefix(subject, ":."); in {
		context, name, ok := strings.Cut(rest, ":")
		if !ok || context != "" {
			return whose{why: whyContext}
		}
		subject = name
	}
	r := readings{topic: topic}
	r.confluent(subject, record)
	return r.only(whyOther)
}

// of reads an artifact's id by Apicurio's strategies too: TopicIdStrategy is Confluent's TopicNameStrategy, and
// SimpleTopicIdStrategy the topic alone; RecordIdStrategy and TopicRecordIdStrategy have the record's namespace as the
// group.
func (a *apicurio) of(name, record string, topic func(string) bool) whose {
	group, id := a.artifact(name)
	r := readings{topic: topic}
	r.confluent(id, record)
	if topic(id) {
		r.found = append(r.found, whose{topic: id, strategy: lineage.SimpleTopicID})
	}
	if dot := strings.LastIndexByte(record, '.'); dot > 0 && record[:dot] == group {
		short := record[dot+1:]
		if id == short {
			r.found = append(r.found, whose{strategy: lineage.RecordID, why: whyRecordID})
		}
		r.end(id, "-"+short, lineage.NoPart, lineage.TopicRecordID)
	}
	return r.only(whyOtherID)
}
