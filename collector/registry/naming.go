package registry

import (
	"strings"

	"github.com/lineaged/lineaged/collector"
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
	whySet      = "the topic that they seem to be of is configured for another strategy, by which its broker validates"
	whyContext  = "they are of a context of their own, which may be another cluster's"
)

// topics are the topics of the cluster.
type topics struct {
	there func(topic string) bool
	// set is by which strategies a topic's broker validates, as its configuration says.
	set map[string]collector.SubjectNames
}

// readings are the ways in which a name can be read.
type readings struct {
	found   []whose
	missing bool // it could be read so if there were a topic of that name
	topics  topics
}

// end reads a name as that of a topic with something behind it.
func (r *readings) end(name, end string, part lineage.SchemaPart, strategy lineage.SubjectStrategy) {
	switch topic, ok := strings.CutSuffix(name, end); {
	case ok && r.topics.there(topic):
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

// fits reports whether a reading is what its topic is configured for, yes, and whether it is for another, no. Where it
// is, that tells which part of a record is meant too.
func (t topics) fits(w *whose) (yes, no bool) {
	set := t.set[w.topic]
	told := func(s lineage.SubjectStrategy) bool { return s != lineage.NoStrategy }
	known := func(s lineage.SubjectStrategy) bool { return told(s) && s != collector.OtherStrategy }
	switch key, value := set.Key, set.Value; w.part {
	case lineage.KeyPart:
		return key == w.strategy, told(key) && key != w.strategy
	case lineage.ValuePart:
		return value == w.strategy, told(value) && value != w.strategy
	default:
		switch {
		case value == w.strategy && known(key) && key != value:
			w.part = lineage.ValuePart
		case key == w.strategy && known(value) && value != key:
			w.part = lineage.KeyPart
		}
		yes = key == w.strategy || value == w.strategy
		return yes, !yes && told(key) && told(value)
	}
}

// another reports whether a topic's subjects, of the part that a reading speaks of, are named by a class that is not
// known, which may name anything.
func (t topics) another(w *whose) bool {
	set := t.set[w.topic]
	return w.part != lineage.ValuePart && set.Key == collector.OtherStrategy || w.part != lineage.KeyPart && set.Value == collector.OtherStrategy
}

// configured leaves the readings that topics' configurations name, if there are any, else those that none excludes. It
// reports whether one was excluded.
func (r *readings) configured() (excluded bool) {
	var named, left []whose
	for _, w := range r.found {
		yes, no := false, false
		if w.topic != "" {
			yes, no = r.topics.fits(&w)
		}
		switch excluded = excluded || no; {
		case yes:
			named = append(named, w)
		case no && r.topics.another(&w):
			left = append(left, whose{why: whySet}) // it is not known not to be
		case !no:
			left = append(left, w)
		}
	}
	if r.found = left; len(named) > 0 {
		r.found = named
	}
	return excluded
}

// only returns the one reading that there is.
func (r *readings) only(other string) whose {
	excluded := r.configured()
	switch {
	case len(r.found) == 0 && excluded:
		return whose{why: whySet}
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

func (confluentAPI) of(subject, record string, in topics) whose {
	if rest, cut := strings.CutPrefix(subject, ":."); cut {
		context, name, ok := strings.Cut(rest, ":")
		if !ok || context != "" {
			return whose{why: whyContext}
		}
		subject = name
	}
	r := readings{topics: in}
	r.confluent(subject, record)
	return r.only(whyOther)
}

// of reads an artifact's id by Apicurio's strategies too: TopicIdStrategy is Confluent's TopicNameStrategy, and
// SimpleTopicIdStrategy the topic alone; RecordIdStrategy and TopicRecordIdStrategy have the record's namespace as the
// group.
func (a *apicurio) of(name, record string, in topics) whose {
	group, id := a.artifact(name)
	r := readings{topics: in}
	r.confluent(id, record)
	if in.there(id) {
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
