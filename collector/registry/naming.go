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
	whyRecord  = "they are called after a record (RecordNameStrategy), which any topic may hold"
	whyTwo     = "their name can be read in two ways"
	whyNoTopic = "no topic of the cluster is called as they say"
	whyOther   = "their name follows none of Confluent's strategies"
	whyContext = "they are of a context of their own, which may be another cluster's"
)

// of tells the topic of a subject, by its name and that of its outermost record; empty: it has none, or it is not
// known. A reading is taken only where no other is left.
func of(subject, record string, topic func(string) bool) whose {
	if rest, in := strings.CutPrefix(subject, ":."); in {
		context, name, ok := strings.Cut(rest, ":")
		if !ok || context != "" {
			return whose{why: whyContext}
		}
		subject = name
	}
	var found []whose
	missing := false
	for suffix, part := range map[string]lineage.SchemaPart{"-key": lineage.KeyPart, "-value": lineage.ValuePart} {
		switch name, ok := strings.CutSuffix(subject, suffix); {
		case ok && topic(name):
			found = append(found, whose{topic: name, part: part, strategy: lineage.TopicName})
		case ok:
			missing = true
		}
	}
	if record != "" {
		if subject == record {
			found = append(found, whose{strategy: lineage.RecordName, why: whyRecord})
		}
		switch name, ok := strings.CutSuffix(subject, "-"+record); {
		case ok && topic(name):
			found = append(found, whose{topic: name, strategy: lineage.TopicRecordName})
		case ok:
			missing = true
		}
	}
	switch {
	case len(found) == 1:
		return found[0]
	case len(found) > 1:
		return whose{why: whyTwo}
	case missing:
		return whose{why: whyNoTopic}
	default:
		return whose{why: whyOther}
	}
}
