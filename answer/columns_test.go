package answer_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/internal/smt"
	"github.com/lineaged/lineaged/lineage"
)

// wordsOf writes what a question of columns was answered with, a line each, sorted within a kind.
func wordsOf(is *answer.ColumnLineage) string {
	var columns, ends []string
	for _, c := range is.Columns {
		s := fmt.Sprintf("%d %s", c.Hops, c.ID())
		if c.Upstream {
			s = "-" + s
		}
		if c.There != nil {
			s += fmt.Sprintf(" %v %s", *c.There, c.Type)
		}
		for _, step := range is.Steps {
			if step.To == c.ColumnID && step.Masked && !c.Upstream {
				s += " masked"
			}
		}
		if c.Reads {
			s += " read"
		}
		if c.Assumed {
			s += " assumed"
		}
		columns = append(columns, s)
	}
	for _, e := range is.Ends {
		ends = append(ends, "END "+e.Column.ID()+" at "+e.At.ID()+": "+e.Why)
	}
	for _, e := range is.Unknown {
		ends = append(ends, "? "+e.Column.ID()+" at "+e.At.ID()+": "+e.Why)
	}
	slices.Sort(ends)
	return strings.Join(append(columns, ends...), "\n") + "\n"
}

func schemaFact(source, subject string, s lineage.SchemaFact, columns ...string) lineage.Fact {
	for _, c := range columns {
		s.Columns = append(s.Columns, lineage.Column{Path: c, Type: "string"})
	}
	s.Subject, s.Version = subject, 1
	if s.Origin == 0 {
		s.Origin = lineage.FromRegistry
	}
	return lineage.Fact{Key: lineage.FactKey{Source: source, Kind: lineage.SchemaFacts, Name: subject}, Schema: &s}
}

// columnWorld is a table that a connector copies into a topic under other names, which a program reads and another
// connector writes into a second table, of which a job makes a third.
func columnWorld(t *testing.T, w *world) (customers, dw lineage.Dataset) {
	t.Helper()
	crm, sink := lineage.Node{Scope: "cw", Kind: lineage.ConnectorNode, Name: "crm"}, lineage.Node{Scope: "cw", Kind: lineage.ConnectorNode, Name: "dw"}
	job := lineage.Node{Scope: "spark", Kind: lineage.JobNode, Name: "mails"}
	x := topic("crm-customers")
	set := func(name string) lineage.Dataset { return lineage.Dataset{Namespace: "postgres://db:5432", Name: name} }
	customers, dw = set("customers"), set("dw")
	out := set("mails")
	moves := func(n lineage.Node, op lineage.Op, topic string, d lineage.Dataset) lineage.Access {
		return lineage.Access{Topic: lineage.Topic{Cluster: west, Name: topic}, Op: op, Client: by(n), Dataset: d}
	}
	does := func(a lineage.Access, k lineage.EvidenceKind) filling {
		return func(o *lineage.Observation) {
			o.Sightings = append(o.Sightings, lineage.Sighting{Access: a, Evidence: k, Moved: true})
		}
	}
	transforms := func(n lineage.Node, class string, config map[string]string) []lineage.Fact {
		f := connectorFact(n, "source", "RUNNING")
		f.Connector.Class = class
		return []lineage.Fact{f, {
			Key:       lineage.FactKey{Source: n.Scope, Kind: lineage.TransformFacts, Name: n.Name},
			Transform: &lineage.TransformFact{Steps: smt.Read(func(key string) string { return config[key] })},
		}}
	}
	const value = "org.apache.kafka.connect.transforms."
	source := transforms(crm, "io.confluent.connect.jdbc.JdbcSourceConnector", map[string]string{
		"transforms": "r,o", "transforms.r.type": value + "ReplaceField$Value", "transforms.r.renames": "email:contact", "transforms.r.exclude": "ssn",
		"transforms.o.type": value + "RegexRouter", "transforms.o.regex": ".*", "transforms.o.replacement": "crm-$0",
	})
	masks := transforms(sink, "io.confluent.connect.jdbc.JdbcSinkConnector", map[string]string{
		"transforms": "m", "transforms.m.type": value + "MaskField$Value", "transforms.m.fields": "contact",
	})
	byName := lineage.Topic{Cluster: west, Name: x.Name}
	for n := 1; n <= 5; n++ {
		fill := []filling{w.moved(self(x), lineage.NoEvidence, 10), w.moved(reads(x, group("reporting")), lineage.GroupOffsets, 10)}
		if n == 1 {
			fill = append(fill, facts(clusterFact(1), topicFact(x)))
		}
		w.observe("west", "all", n, fill...)
		fill = []filling{
			does(moves(crm, lineage.Read, x.Name, customers), lineage.Connect), does(lineage.Access{Topic: byName, Op: lineage.Write, Client: by(crm)}, lineage.Connect),
			does(lineage.Access{Topic: byName, Op: lineage.Read, Client: by(sink)}, lineage.Connect), does(moves(sink, lineage.Write, x.Name, dw), lineage.Connect),
		}
		if n == 1 {
			fill = append(fill, facts(source...), facts(masks...))
		}
		w.observe("cw", "connectors", n, fill...)
		fill = []filling{
			does(lineage.Access{Op: lineage.Read, Client: by(job), Dataset: dw}, lineage.OpenLineage), does(lineage.Access{Op: lineage.Write, Client: by(job), Dataset: out}, lineage.OpenLineage),
		}
		if n == 1 {
			fill = append(fill, facts(lineage.Fact{
				Key: lineage.FactKey{Source: "openlineage", Kind: lineage.ColumnsFacts, Name: "mails"},
				Columns: &lineage.ColumnsFact{Mover: job, ToDataset: out, Links: []lineage.ColumnLink{
					{FromDataset: dw, From: "contact", To: "mail", How: "DIRECT/IDENTITY"}, {FromDataset: dw, From: "id", How: "INDIRECT/FILTER"},
				}},
			}))
		}
		w.observe("openlineage", "events", n, fill...)
		switch n {
		case 1:
			w.observe("registry", "schemas", n, facts(schemaFact("registry", "crm-customers-value", lineage.SchemaFact{Topic: byName, Part: lineage.ValuePart}, "id", "contact")))
		case 4:
			w.observe("registry", "schemas", n, facts(schemaFact("registry", "crm-customers-value", lineage.SchemaFact{Topic: byName, Part: lineage.ValuePart}, "id")))
		default:
			w.observe("registry", "schemas", n)
		}
	}
	return customers, dw
}

// TestColumnLineage: who is hurt by removing a column is named two hops on, across connectors with transformations, and
// where nobody knows that is said.
func TestColumnLineage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		customers, dw := columnWorld(t, w)
		time.Sleep(time.Until(round(5)))
		a := answers(w.store)
		f := func(to int, field string, up, down bool, want string) {
			t.Helper()
			id, err := answer.ParseColumnID(field)
			if err != nil {
				t.Fatal(err)
			}
			is, err := view(t, a, answer.Between(round(0), round(to)), answer.All).ColumnLineage(t.Context(), id, up, down)
			if err != nil {
				t.Fatal(err)
			}
			if got := wordsOf(is); got != strings.TrimLeft(strings.ReplaceAll(want, "\t", ""), "\n") {
				t.Errorf("%s in %d rounds:\n%s", field, to, got)
			}
		}
		table, warehouse := customers.Node().ID(), dw.Node().ID()
		f(3, table+"#email", false, true, `
			0 `+table+`#email
			1 topic:west/crm-customers#value.contact true string
			2 application:west/reporting#value.contact read assumed
			2 `+warehouse+`#contact masked
			3 dataset:postgres%3A%2F%2Fdb%3A5432/mails#mail
			3 job:spark/mails#contact read
		`)
		f(3, table+"#ssn", false, true, `
			0 `+table+`#ssn
			END `+table+`#ssn at connector:cw/crm: dropped by the transformation r
		`)
		f(3, table+"#id", false, true, `
			0 `+table+`#id
			1 topic:west/crm-customers#value.id true string
			2 application:west/reporting#value.id read assumed
			2 `+warehouse+`#id
			3 dataset:postgres%3A%2F%2Fdb%3A5432/mails#
			3 job:spark/mails#id read
		`)
		f(3, "dataset:postgres%3A%2F%2Fdb%3A5432/mails#mail", true, false, `
			0 dataset:postgres%3A%2F%2Fdb%3A5432/mails#mail
			-1 `+warehouse+`#contact
			-1 `+warehouse+`#id
			-2 topic:west/crm-customers#value.contact true string
			-2 topic:west/crm-customers#value.id true string
			-3 `+table+`#email
			-3 `+table+`#id
		`)
		f(3, "topic:west/crm-customers#contact", true, true, `
			0 topic:west/crm-customers#value.contact true string
			1 application:west/reporting#value.contact read assumed
			1 `+warehouse+`#contact masked
			2 dataset:postgres%3A%2F%2Fdb%3A5432/mails#mail
			2 job:spark/mails#contact read
			-1 `+table+`#email
		`)
		f(5, "topic:west/crm-customers#value.contact", true, false, `
			0 topic:west/crm-customers#value.contact false 
			-1 `+table+`#email
		`)
	})
}

// TestWhatIfOfColumns: who is hurt without a column is told by the ways of columns, and nobody starves of it; beside a
// node that is lost both are told.
func TestWhatIfOfColumns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		customers, dw := columnWorld(t, w)
		time.Sleep(time.Until(round(5)))
		v := view(t, answers(w.store), answer.Between(round(0), round(3)), answer.All)
		table, warehouse := customers.Node().ID(), dw.Node().ID()
		ask := func(ids ...string) *answer.WhatIf {
			t.Helper()
			return estate{}.lose(t, v, ids...)
		}
		is := ask(table+"#email", table+"#ssn", table+"#email")
		if len(is.Columns) != 2 || len(is.Lost)+len(is.Starved)+len(is.Copies)+len(is.Retention) > 0 || len(is.Scope) == 0 {
			t.Fatalf("%+v", is)
		}
		if got, want := wordsOf(is.Columns[0].ColumnLineage), "0 "+table+"#email\n1 topic:west/crm-customers#value.contact true string\n2 application:west/reporting#value.contact read assumed\n2 "+warehouse+
			"#contact masked\n3 dataset:postgres%3A%2F%2Fdb%3A5432/mails#mail\n3 job:spark/mails#contact read\n"; got != want {
			t.Errorf("without email:\n%s", got)
		}
		if got := wordsOf(is.Columns[1].ColumnLineage); !strings.Contains(got, "dropped by the transformation r") || strings.Contains(got, "read") {
			t.Errorf("without ssn:\n%s", got)
		}
		both := ask("topic:west/crm-customers", "topic:west/crm-customers#contact")
		if len(both.Columns) != 1 || len(both.Lost) != 1 || len(both.Starved) == 0 || both.Columns[0].ID() != "topic:west/crm-customers#value.contact" {
			t.Errorf("a topic and its column: %+v", both)
		}
		for id, want := range map[string]string{
			"topic:west/none#a": "no node", "topic:west/crm-customers#": "is no column of a topic or dataset", "application:west/reporting#a": "is no column of a topic or dataset",
		} {
			x, err := answer.ParseLose(id)
			if err == nil {
				_, err = v.WhatIf(t.Context(), []answer.Lose{x})
			}
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %s", id, err, want)
			}
		}
	})
}

// TestColumnsNotKnown: what nobody says is said to be unknown, and no column is made up.
func TestColumnsNotKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		in, out := topic("in"), topic("out")
		plain := lineage.Node{Scope: "cw", Kind: lineage.ConnectorNode, Name: "plain"}
		set := lineage.Dataset{Namespace: "s3://b", Name: "in"}
		for n := 1; n <= 3; n++ {
			fill := []filling{
				w.moved(self(in), lineage.NoEvidence, 10), w.moved(self(out), lineage.NoEvidence, 10), w.moved(reads(in, group("enrich")), lineage.GroupOffsets, 10),
				w.moved(writes(out, group("enrich")), lineage.ProducerState, 10),
			}
			if n == 1 {
				fill = append(fill, facts(clusterFact(2), topicFact(in), topicFact(out), connectorFact(plain, "sink", "RUNNING")))
			}
			fill = append(fill, func(o *lineage.Observation) {
				o.Sightings = append(o.Sightings,
					lineage.Sighting{Access: lineage.Access{Topic: nameOnly(in), Op: lineage.Read, Client: by(plain)}, Evidence: lineage.Connect},
					lineage.Sighting{Access: lineage.Access{Topic: nameOnly(in), Op: lineage.Write, Client: by(plain), Dataset: set}, Evidence: lineage.Connect})
			})
			w.observe("west", "all", n, fill...)
		}
		time.Sleep(time.Until(round(3)))
		v := view(t, answers(w.store), answer.Between(round(0), round(3)), answer.All)
		for field, want := range map[string]string{
			"topic:west/in#email":  "0 topic:west/in#value.email\n1 application:west/enrich#value.email read assumed\n? topic:west/in#value.email at application:west/enrich: what it makes of the columns that it reads, nobody says\n? topic:west/in#value.email at connector:cw/plain: its transformations were not read\n",
			"topic:west/out#value": "0 topic:west/out#value\n? topic:west/out#value at application:west/enrich: what it makes its columns of, nobody says\n",
		} {
			id, err := answer.ParseColumnID(field)
			if err != nil {
				t.Fatal(err)
			}
			is, err := v.ColumnLineage(t.Context(), id, strings.Contains(field, "out"), !strings.Contains(field, "out"))
			if err != nil {
				t.Fatal(err)
			}
			if got := wordsOf(is); got != want {
				t.Errorf("%s:\n%s", field, got)
			}
		}
		for field, want := range map[string]string{
			"topic:west/none#a": "no node", "topic:west/in": "is no column", "application:west/enrich#a": "is no topic or dataset",
		} {
			id, err := answer.ParseColumnID(field)
			if err == nil {
				_, err = v.ColumnLineage(t.Context(), id, true, true)
			}
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %s", field, err, want)
			}
		}
		if all, err := v.Schemas(t.Context(), topicNode("in")); err != nil || len(all) > 0 {
			t.Errorf("schemas that nobody told: %v, %v", all, err)
		}
	})
}
