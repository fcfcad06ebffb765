// Package smt says what the transformations of a Kafka connector (single message transforms) do to columns: to which a
// column leads, and of which it is made.
//
// It is pure. It reads those of Apache Kafka and some of Debezium and Confluent, and keeps of their settings names
// alone: no replacement, no static value. What hangs on a predicate, on a setting that stands elsewhere, or is a class
// that it does not know is a step of which nobody can say what it does, and it refuses to guess what comes behind it.
package smt

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

const (
	// mostSteps and mostNames bound what is kept of a connector: more is a fault, or an attack.
	mostSteps = 100
	mostNames = 1000
	// mostWord is how much of a class that is not known is shown.
	mostWord = 120
)

const (
	kafkaPrefix    = "org.apache.kafka.connect.transforms."
	confluent      = "io.confluent.connect.transforms."
	debeziumPrefix = "io.debezium.transforms."
)

// keepers are the transformations that change topics, types, headers or whole records, and no column's name.
var keepers = []string{
	kafkaPrefix + "RegexRouter", kafkaPrefix + "TimestampRouter", kafkaPrefix + "Filter", kafkaPrefix + "InsertHeader", kafkaPrefix + "DropHeaders", kafkaPrefix + "Cast",
	kafkaPrefix + "TimestampConverter", kafkaPrefix + "SetSchemaMetadata", confluent + "TombstoneHandler", confluent + "ExtractTopic", confluent + "MessageTimestampRouter", confluent + "Filter",
	debeziumPrefix + "openlineage.OpenLineage", // which tells of records and leaves them alone
}

// Read reads a connector's transformations from its configuration.
func Read(get func(string) string) []lineage.Transform {
	var steps []lineage.Transform
	for name := range strings.SplitSeq(get("transforms"), ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		if len(steps) == mostSteps {
			return append(steps, lineage.Transform{Name: short(name), Word: fmt.Sprintf("there are more than %d transformations", mostSteps)})
		}
		steps = append(steps, read(name, get))
	}
	if kept := names(get("fields.whitelist")); len(kept) > 0 && Outside(get("connector.class")) == Table && !unresolved(get("fields.whitelist")) {
		steps = append(steps, lineage.Transform{Name: "fields.whitelist", Class: get("connector.class"), Kind: lineage.ReplaceColumns, Part: lineage.ValuePart, Keep: kept})
	}
	return steps
}

func read(name string, get func(string) string) lineage.Transform {
	at := "transforms." + name + "."
	class := get(at + "type")
	s := lineage.Transform{Name: short(name), Class: short(class)}
	elsewhere := false
	set := func(key string) string {
		v := get(at + key)
		elsewhere = elsewhere || unresolved(v)
		return v
	}
	plain, part, sided := strings.Cut(class, "$")
	switch {
	case part == "Key":
		s.Part = lineage.KeyPart
	case part == "Value" || !sided:
		s.Part = lineage.ValuePart
	}
	if slices.Contains(keepers, plain) {
		s.Kind = lineage.KeepColumns
		return s
	}
	settings(&s, plain, set)
	switch {
	case s.Kind == lineage.UnknownTransform && s.Word != "":
	case s.Kind == lineage.UnknownTransform:
		s.Word = "what the class " + short(class) + " does is not known"
	case get(at+"predicate") != "":
		s = lineage.Transform{Name: s.Name, Class: s.Class, Word: "it changes some records only, by a predicate"}
	case elsewhere:
		s = lineage.Transform{Name: s.Name, Class: s.Class, Word: "its settings stand elsewhere, as in ${file:…}"}
	case sided && s.Part == lineage.NoPart:
		s = lineage.Transform{Name: s.Name, Class: s.Class, Word: "what the class " + short(class) + " does is not known"}
	case len(s.Fields)+len(s.Keep)+len(s.Drop)+len(s.Renames) > mostNames:
		s = lineage.Transform{Name: s.Name, Class: s.Class, Word: fmt.Sprintf("it names more than %d columns", mostNames)}
	case strings.EqualFold(get(at+"field.syntax.version"), "V2") && nested(&s):
		s = lineage.Transform{Name: s.Name, Class: s.Class, Word: "it names what nests (field.syntax.version V2)"}
	}
	return s
}

// settings reads what a class is told.
func settings(s *lineage.Transform, class string, set func(string) string) {
	switch class {
	case kafkaPrefix + "ReplaceField":
		s.Kind = lineage.ReplaceColumns
		s.Keep, s.Drop = names(first(set("include"), set("whitelist"))), names(first(set("exclude"), set("blacklist")))
		for _, pair := range names(set("renames")) {
			if from, to, ok := strings.Cut(pair, ":"); ok {
				s.Renames = append(s.Renames, lineage.Rename{From: strings.TrimSpace(from), To: strings.TrimSpace(to)})
			}
		}
	case kafkaPrefix + "InsertField":
		s.Kind = lineage.InsertColumns
		for _, key := range [...]string{"topic.field", "partition.field", "offset.field", "timestamp.field", "static.field"} {
			if field := strings.TrimRight(set(key), "!?"); field != "" {
				s.Fields = append(s.Fields, field)
			}
		}
	case kafkaPrefix + "MaskField":
		s.Kind, s.Fields = lineage.MaskColumns, names(set("fields"))
	case kafkaPrefix + "HoistField":
		one(s, lineage.HoistColumns, set("field"))
	case kafkaPrefix + "ExtractField":
		one(s, lineage.ExtractColumn, set("field"))
	case kafkaPrefix + "Flatten":
		s.Kind, s.Word = lineage.FlattenColumns, first(set("delimiter"), ".")
	case kafkaPrefix + "ValueToKey":
		s.Kind, s.Part, s.Fields = lineage.KeyOfValue, lineage.KeyPart, names(set("fields"))
	case kafkaPrefix + "HeaderFrom":
		s.Kind = lineage.KeepColumns
		if set("operation") == "move" {
			s.Kind, s.Drop = lineage.ReplaceColumns, names(set("fields"))
		}
	case debeziumPrefix + "ExtractNewRecordState":
		unwrap(s, set)
	case debeziumPrefix + "ByLogicalTableRouter":
		s.Kind, s.Part = lineage.InsertColumns, lineage.KeyPart
		if set("key.enforce.uniqueness") != "false" {
			s.Fields = []string{first(set("key.field.name"), "__dbz__physicalTableIdentifier")}
		}
	}
}

// one reads a transformation that has one field; without it Connect does not start it.
func one(s *lineage.Transform, kind lineage.TransformKind, field string) {
	if field == "" {
		s.Word = "it names no field"
		return
	}
	s.Kind, s.Fields = kind, []string{field}
}

// unwrap reads Debezium's ExtractNewRecordState. A field that it adds is called after where it stood.
func unwrap(s *lineage.Transform, set func(string) string) {
	s.Kind = lineage.UnwrapChange
	prefix := "__"
	if own := set("add.fields.prefix"); own != "" {
		prefix = own
	}
	for _, field := range names(set("add.fields")) {
		from, to, named := strings.Cut(field, ":")
		if !named {
			to = strings.ReplaceAll(from, ".", "_")
		}
		s.Renames = append(s.Renames, lineage.Rename{From: from, To: prefix + to})
	}
	if set("delete.handling.mode") == rewrite || set("delete.tombstone.handling.mode") == rewrite {
		s.Fields, s.Word = []string{"__deleted"}, rewrite
	}
}

// rewrite is the mode in which the last state of what was deleted is told.
const rewrite = "rewrite"

func nested(s *lineage.Transform) bool {
	deep := func(name string) bool { return strings.ContainsAny(name, ".`") }
	return slices.ContainsFunc(s.Fields, deep) || slices.ContainsFunc(s.Keep, deep) || slices.ContainsFunc(s.Drop, deep) ||
		slices.ContainsFunc(s.Renames, func(r lineage.Rename) bool { return deep(r.From) || deep(r.To) })
}

func names(list string) (out []string) {
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.TrimSpace(name); name != "" {
			out = append(out, name)
		}
	}
	return out
}

func first(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}

// unresolved reports whether a value stands elsewhere, as in ${file:/etc/secrets:url}.
func unresolved(value string) bool { return strings.Contains(value, "${") }

func short(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) > mostWord {
		return strings.ToValidUTF8(s[:mostWord], "") + "…"
	}
	return s
}
