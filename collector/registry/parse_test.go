package registry

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// say writes what a schema says in short: "record: path type?, …".
func say(r read, err error) string {
	if err != nil {
		return "ERROR " + err.Error()
	}
	var out []string
	for _, c := range r.columns {
		s := c.Path + " " + c.Type
		if c.Presence == lineage.MayBeMissing {
			s += "?"
		}
		out = append(out, s)
	}
	s := r.record + ": " + strings.Join(out, ", ")
	if r.cut > 0 {
		s += fmt.Sprintf(" +%d", r.cut)
	}
	return s
}

func TestParse(t *testing.T) {
	const avroAddress = `{"type":"record","name":"Address","namespace":"shop","doc":"hunter2","fields":[{"name":"street","type":"string","default":"hunter2"}]}`
	for _, x := range []struct {
		name, format, schema string
		refs                 []text
		wanted, want         string
	}{
		{
			name: "a record", format: "AVRO", schema: `{"type":"record","name":"Customer","namespace":"shop","fields":[{"name":"id","type":"long"},
			{"name":"email","type":["null","string"],"default":null},{"name":"born","type":{"type":"int","logicalType":"date"}},
			{"name":"homes","type":{"type":"array","items":{"type":"record","name":"Home","fields":[{"name":"street","type":"string"}]}}},
			{"name":"work","type":["null","Home"]},{"name":"level","type":{"type":"enum","name":"Level","symbols":["A"]}}]}`,
			want: "shop.Customer: id long, email string?, born int date, homes array of record shop.Home, homes.street string, work record shop.Home?, work.street string, level enum shop.Level",
		},
		{
			name: "a reference", format: "AVRO", schema: `{"type":"record","name":"C","namespace":"shop","fields":[{"name":"home","type":"shop.Address"}]}`, refs: []text{{"shop.Address", avroAddress}},
			want: "shop.C: home record shop.Address, home.street string",
		},
		{
			name: "a reference that is not there", format: "AVRO", schema: `{"type":"record","name":"C","fields":[{"name":"home","type":"shop.Address"}]}`,
			want: "ERROR it is no Avro schema that can be read, or refers to one that is not there",
		},
		{name: "a record within itself", format: "AVRO", schema: `{"type":"record","name":"N","fields":[{"name":"v","type":"int"},{"name":"next","type":["null","N"]}]}`, want: "N: v int, next record N?"},
		{name: "no record", format: "AVRO", schema: `"string"`, want: ":  string"},
		{
			name: "a union of records", format: "AVRO", schema: `[{"type":"record","name":"A","fields":[{"name":"x","type":"int"},{"name":"y","type":"int"}]},{"type":"record","name":"B","fields":[{"name":"x","type":"int"},{"name":"z","type":"int"}]}]`,
			want: ": x int, y int, z int",
		},
		{name: "half a schema", format: "AVRO", schema: `{"type":"record","name":"A","fields":[{"name":"hunter2"`, want: "ERROR it is no Avro schema that can be read, or refers to one that is not there"},
		{
			name: "properties", format: "JSON", schema: `{"$schema":"http://json-schema.org/draft-07/schema#","title":"Customer","type":"object","properties":{"z":{"type":"integer","description":"hunter2"},
			"email":{"oneOf":[{"type":"null"},{"type":"string","format":"email"}]},"home":{"$ref":"#/definitions/Home"},"tags":{"type":"array","items":{"type":"string"}},"a.b":true},
			"required":["z","home"],"definitions":{"Home":{"type":"object","properties":{"street":{"type":["string","null"]},"next":{"$ref":"#/definitions/Home"}},"required":["street"]}}}`,
			want: `Customer: z integer, email string email?, home object, home.street string?, home.next object?, tags array of string?, a\.b ?`,
		},
		{
			name: "all of others", format: "JSON", schema: `{"allOf":[{"$ref":"base.json"},{"properties":{"b":{"type":"string"}}}]}`, refs: []text{{"base.json", `{"properties":{"a":{"type":"number"}},"required":["a"]}`}},
			want: ": a number, b string?",
		},
		{name: "a file that is not there", format: "JSON", schema: `{"properties":{"a":{"$ref":"other.json#/x"}}}`, want: "ERROR it refers to a schema that is not there"},
		{name: "a circle", format: "JSON", schema: `{"$ref":"#/a","a":{"$ref":"#/b"},"b":{"$ref":"#/a"}}`, want: "ERROR its references lead in a circle"},
		{name: "an array as a schema", format: "JSON", schema: `[1]`, want: "ERROR it is no JSON Schema: no object"},
		{
			name: "a message", format: "PROTOBUF", schema: "syntax = \"proto3\";\npackage shop;\nimport \"google/protobuf/timestamp.proto\";\nmessage Customer { int64 id = 1; optional string email = 2; repeated Home homes = 3; map<string, Home> by = 4; google.protobuf.Timestamp at = 5; Level level = 6; oneof x { string a = 7; } }\nmessage Home { string street = 1; Home next = 2; }\nenum Level { A = 0; }",
			want: "shop.Customer: id int64?, email string?, homes array of message shop.Home?, homes.street string?, homes.next message shop.Home?, by map of message shop.Home?, by.street string?, by.next message shop.Home?, at message google.protobuf.Timestamp?, level enum shop.Level?, a string?",
		},
		{
			name: "an import", format: "PROTOBUF", schema: "syntax = \"proto3\";\nimport \"home.proto\";\nmessage C { Home home = 1; }", refs: []text{{"home.proto", "syntax = \"proto3\";\nmessage Home { string street = 1; }"}},
			want: "C: home message Home?, home.street string?",
		},
		{name: "two messages", format: "PROTOBUF", schema: "syntax = \"proto3\";\nmessage A { string a = 1; }\nmessage B { string b = 1; }", want: "ERROR which of its messages a record is, only the records say: A, B"},
		{name: "two messages, of which the subject names one", format: "PROTOBUF", schema: "syntax = \"proto3\";\nmessage A { string a = 1; }\nmessage B { string b = 1; }", wanted: "B", want: "B: b string?"},
		{name: "an import that is not there", format: "PROTOBUF", schema: "syntax = \"proto3\";\nimport \"home.proto\";\nmessage C { Home home = 1; }", want: "ERROR it is no Protobuf file that can be read, or imports one that is not there"},
		{name: "another format", format: "THRIFT", schema: "x", want: "ERROR its format THRIFT is not known"},
		{name: "a large one", format: "JSON", schema: strings.Repeat(" ", mostSchema+1), want: "ERROR its text is larger than 1024 KiB"},
	} {
		r, err := parse(x.format, text{"", x.schema}, x.refs, x.wanted)
		if got := say(r, err); got != x.want || strings.Contains(got, "hunter2") {
			t.Errorf("%s:\n%s\nwant\n%s", x.name, got, x.want)
		}
	}
}

// TestBounds: what is too much is counted, and what branches without end costs a bound and is a problem.
func TestBounds(t *testing.T) {
	var many strings.Builder
	for i := range mostColumns + 5 {
		fmt.Fprintf(&many, `%q:{"type":"string"},`, fmt.Sprint("c", i))
	}
	r, err := parse("JSON", text{"", `{"properties":{` + strings.TrimSuffix(many.String(), ",") + `}}`}, nil, "")
	if err != nil || len(r.columns) != mostColumns || r.cut != 5 {
		t.Errorf("%d columns, %d cut, %v", len(r.columns), r.cut, err)
	}
	var all strings.Builder
	all.WriteString(`{"$ref":"#/d/t0","d":{`)
	for i := range 60 {
		fmt.Fprintf(&all, `"t%d":{"properties":{"a":{"$ref":"#/d/t%d"},"b":{"$ref":"#/d/t%d"},"c":{"$ref":"#/d/t%d"}}},`, i, i+1, i+1, i+1)
	}
	all.WriteString(`"t60":{}}}`)
	r, err = parse("JSON", text{"", all.String()}, nil, "")
	if err == nil && r.cut == 0 || len(r.columns) > mostColumns {
		t.Errorf("types that branch without end: %d columns, %d cut, %v", len(r.columns), r.cut, err)
	}
}

func TestNaming(t *testing.T) {
	there := map[string]bool{"orders": true, "a": true, "a-b": true, "x": true}
	for _, x := range []struct{ subject, record, want string }{
		{"orders-value", "shop.Order", "orders value 1 "},
		{"orders-key", "", "orders key 1 "},
		{":.:orders-value", "", "orders value 1 "},
		{":.prod:orders-value", "", "  0 " + whyContext},
		{"a-b-value", "", "a-b value 1 "},
		{"orders-shop.Order", "shop.Order", "orders  3 "},
		{"orders-shop.Order", "shop.Other", "  0 " + whyOther},
		{"shop.Order", "shop.Order", "  2 " + whyRecord},
		{"gone-value", "shop.Order", "  0 " + whyNoTopic},
		{"gone-shop.Order", "shop.Order", "  0 " + whyNoTopic},
		{"orders", "", "  0 " + whyOther},
		{"x-value", "x-value", "  0 " + whyTwo}, // a title of a JSON Schema
		{"a-b-value", "b-value", "  0 " + whyTwo},
	} {
		is := confluentAPI{}.of(x.subject, x.record, topics{there: func(topic string) bool { return there[topic] }})
		if got := fmt.Sprintf("%s %s %d %s", is.topic, is.part, is.strategy, is.why); got != x.want {
			t.Errorf("%s of %q: %q, want %q", x.subject, x.record, got, x.want)
		}
	}
}

// TestConfigured: what topics' configurations say of subjects settles what a name alone does not, and what speaks
// against a reading leaves none.
func TestConfigured(t *testing.T) {
	in := topics{
		there: func(topic string) bool {
			return slices.Contains([]string{"orders", "a", "a-b", "x", "both", "own", "free", "class", "class-key", "half"}, topic)
		},
		set: map[string]collector.SubjectNames{
			"orders": {Value: lineage.TopicRecordName, Key: lineage.TopicName},
			"a-b":    {Value: lineage.TopicName},
			"x":      {Value: lineage.TopicName},
			"both":   {Value: lineage.TopicRecordName, Key: lineage.TopicRecordName},
			"own":    {Value: lineage.RecordName},
			"class":  {Value: collector.OtherStrategy, Key: collector.OtherStrategy},
			"half":   {Value: lineage.TopicRecordName, Key: collector.OtherStrategy},
		},
	}
	for _, x := range []struct{ subject, record, want string }{
		{"orders-shop.Order", "shop.Order", "orders value 3 "}, // since keys are by another strategy
		{"orders-key", "", "orders key 1 "},
		{"orders-value", "shop.Order", "  0 " + whySet},
		{"own-value", "shop.Order", "  0 " + whySet},
		{"own-shop.Order", "shop.Order", "own  3 "}, // its keys may be so
		{"both-shop.Order", "shop.Order", "both  3 "},
		{"a-b-value", "b-value", "a-b value 1 "}, // of a it could be only by TopicRecordNameStrategy, which nobody says
		{"x-value", "x-value", "x value 1 "},
		{"shop.Order", "shop.Order", "  2 " + whyRecord}, // though own holds some record by its name
		{"free-value", "free-value", "  0 " + whyTwo},
		{"class-value", "shop.Order", "  0 " + whySet}, // by a class of which nobody knows what it names
		{"class-shop.Order", "shop.Order", "  0 " + whySet},
		{"class-key-value", "key-value", "  0 " + whyTwo}, // it may name anything, also this
		{"half-shop.Order", "shop.Order", "half  3 "},     // and a key so too
	} {
		is := confluentAPI{}.of(x.subject, x.record, in)
		if got := fmt.Sprintf("%s %s %d %s", is.topic, is.part, is.strategy, is.why); got != x.want {
			t.Errorf("%s of %q: %q, want %q", x.subject, x.record, got, x.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("AVRO", `{"type":"record","name":"A","fields":[{"name":"a","type":["null","A"]}]}`)
	f.Add("JSON", `{"properties":{"a":{"$ref":"#/properties/a"}}}`)
	f.Add("PROTOBUF", "syntax = \"proto3\"; message A { A a = 1; }")
	f.Fuzz(func(t *testing.T, format, schema string) {
		r, err := parse(format, text{"", schema}, []text{{"other", schema}}, "")
		if err != nil && len(r.columns) > 0 {
			t.Error("half a schema")
		}
		for _, c := range r.columns {
			if len(c.Path) > mostPath {
				t.Error("a path beyond the bound")
			}
		}
	})
}
