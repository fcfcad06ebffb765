package runevent_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/internal/runevent"
)

// The fields of lineage facets tell columns as columnLineage does, and before it.
func TestFieldsOfLineage(t *testing.T) {
	set := func(name, more string) string {
		return fmt.Sprintf(`{"namespace":"x","name":%q,"type":"DATASET"%s}`, name, more)
	}
	const table = `{"namespace":"hive","name":"t","facets":{"symlinks":{"identifiers":[{"namespace":"kafka://b:1","name":"orders"}]}}}`
	of := func(name, field string) string { return set(name, fmt.Sprintf(`,"field":%q`, field)) }
	how := func(name, field, more string) string {
		return set(name, fmt.Sprintf(`,"field":%q,"transformations":[%s]`, field, more))
	}
	fields := func(all ...string) string { return `"fields":{` + strings.Join(all, ",") + `}` }
	field := func(name string, inputs ...string) string {
		return fmt.Sprintf(`%q:{"inputs":[%s]}`, name, strings.Join(inputs, ","))
	}
	old := func(more ...string) string {
		return `"columnLineage":{"fields":{` + strings.Join(more, ",") + `}}`
	}
	was := func(name string, inputs ...string) string {
		return fmt.Sprintf(`%q:{"inputFields":[%s]}`, name, strings.Join(inputs, ","))
	}
	out := func(facets ...string) string { return set("c", `,"facets":{`+strings.Join(facets, ",")+`}`) }
	entry := func(more ...string) string { return set("c", ","+strings.Join(more, ",")) }
	f := func(what, entries, inputs, outputs, want string, flags ...string) {
		t.Helper()
		body := fmt.Sprintf(`%s,"job":{"namespace":"ns","name":"j","facets":{"lineage":{"entries":[%s]}}},"inputs":[%s],"outputs":[%s]}`, least, entries, inputs, outputs)
		e, said, err := runevent.Parse([]byte(body))
		if err != nil {
			t.Errorf("%s: %v", what, err)
			return
		}
		if got := made(&e); got != want || fmt.Sprint(said) != fmt.Sprint(flags) {
			t.Errorf("%s: got %q, flags %q, want %q, %q", what, got, said, want, flags)
		}
	}
	f("an entry", entry(fields(field("mail", how("a", "email", `{"type":"DIRECT","subtype":"TRANSFORMATION","masking":true}`)))), "", "", "c: a.email>mail DIRECT/TRANSFORMATION masked")
	f("of an output", "", "", out(`"lineage":{`+fields(field("id", of("a", "id"), of("b", "id")))+`}`), "c: a.id>id b.id>id")
	f("a whole dataset goes into a column", entry(fields(field("all", set("a", "")))), "", "", "c: a.>all")
	f("a column goes into all", entry(`"inputs":[`+how("a", "country", `{"type":"INDIRECT","subtype":"FILTER"}`)+`,`+set("b", "")+`]`), "", "", "c: a.country> INDIRECT/FILTER")
	f("no column is told", entry(`"inputs":[`+set("a", "")+`]`), "", "", "")
	f("made of nothing, and by the job itself", entry(fields(field("now"), field("by", `{"type":"JOB"}`), field("id", of("a", "id")))), "", "", "c: a.id>id")
	f("of a table that is a topic", entry(fields(field("id", `{"namespace":"hive","name":"t","type":"DATASET","field":"id"}`))), table, "", "c: orders.id>id")
	f("into a table that is a topic", `{"namespace":"hive","name":"t","type":"DATASET",`+fields(field("id", of("a", "id")))+`}`, "", table, "orders: a.id>id")
	f("an entry and the output's own", entry(fields(field("id", of("a", "id")))), "", out(`"lineage":{`+fields(field("id", of("a", "id"), of("b", "id")), field("n", of("b", "n")))+`}`), "c: a.id>id b.id>id b.n>n")
	f("with columnLineage that says the same", "", "", out(old(was("id", of("a", "id"))), `"lineage":{`+fields(field("id", of("a", "id")))+`}`), "c: a.id>id")
	f("with columnLineage that says more columns", "", "", out(old(was("id", of("a", "id")), was("n", of("b", "n"))), `"lineage":{`+fields(field("id", of("a", "id")))+`}`), "c: a.id>id b.n>n")
	f("with columnLineage that says otherwise", "", "", out(old(was("id", of("b", "id"))), `"lineage":{`+fields(field("id", of("a", "id")))+`}`), "c: a.id>id; not id",
		"columnLineage says otherwise than lineage")
	f("with columnLineage where lineage says that nothing leads there", "", "", out(old(was("id", of("b", "id"))), `"lineage":{`+fields(field("id"))+`}`), "c; not id",
		"columnLineage says otherwise than lineage")
	f("an entry beside columnLineage of another output", entry(fields(field("id", of("a", "id")))), "", set("d", `,"facets":{`+old(was("id", of("b", "id")))+`}`), "c: a.id>id, d: b.id>id")
	f("broken", entry(`"fields":[]`), "", "", "", "a lineage facet whose fields can't be read")
	f("half broken: none of it, and what columnLineage says", "", "", out(old(was("id", of("b", "id"))), `"lineage":{"fields":{"id":{"inputs":[`+of("a", "id")+`]},"n":{"inputs":{}}}}`), "c: b.id>id", "a lineage facet whose fields can't be read")
	f("a field of a dataset without a name", entry(fields(field("id", `{"type":"DATASET","field":"id"}`))), "", "", "", "a dataset without a name", "a lineage facet whose fields can't be read")
}

// made are the columns that an event tells, and of which it says otherwise, in words.
func made(e *runevent.Event) string {
	var all []string
	for _, m := range e.Made {
		var links []string
		for _, l := range m.Links {
			is := l.Input.Name + "." + l.From + ">" + l.To
			if l.How != "" {
				is += " " + l.How
			}
			if l.Masked {
				is += " masked"
			}
			links = append(links, is)
		}
		words := m.Output.Name
		if len(links) > 0 {
			words += ": " + strings.Join(links, " ")
		}
		if len(m.Otherwise) > 0 {
			words += "; not " + strings.Join(m.Otherwise, " ")
		}
		all = append(all, words)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// What datasets say of themselves names no job, or the jobs that feed them.
func TestDerived(t *testing.T) {
	f := func(what, body, want string, flags ...string) {
		t.Helper()
		e, said, err := runevent.Parse([]byte(`{"eventTime":"2026-11-28T01:30:00Z","producer":"p","schemaURL":"s",` + body + `}`))
		if err != nil {
			t.Errorf("%s: %v", what, err)
			return
		}
		var got []string
		for _, d := range e.Derived {
			words := d.Dataset.Name + " of"
			for _, n := range d.From {
				words += " " + n.Name
			}
			for _, n := range d.Jobs {
				words += " by " + n.Name
			}
			got = append(got, words)
		}
		if is := strings.Join(got, ", "); is != want || fmt.Sprint(said) != fmt.Sprint(flags) {
			t.Errorf("%s: got %q, flags %q, want %q, %q", what, is, said, want, flags)
		}
		if len(e.Reads)+len(e.Ways)+len(e.Made) > 0 {
			t.Errorf("%s: a job is said to read %v, %v, %v", what, e.Reads, e.Ways, e.Made)
		}
	}
	alone := func(facets string) string {
		return `"dataset":{"namespace":"x","name":"v","facets":{` + facets + `}}`
	}
	const a, b = `{"namespace":"x","name":"a","type":"DATASET"}`, `{"namespace":"x","name":"b","type":"DATASET","field":"id"}`
	f("no facet", alone(``), "")
	f("a view", alone(`"lineage":{"inputs":[`+a+`],"fields":{"id":{"inputs":[`+b+`]}}}`), "v of a b")
	f("fed by jobs", alone(`"lineage":{"inputs":[{"type":"JOB","namespace":"ns","name":"j"},`+a+`]}`), "v of a by j")
	f("by its own job, which it has not", alone(`"lineage":{"inputs":[{"type":"JOB"}]}`), "v of", "a lineage facet of a dataset that names its own job")
	f("of nothing", alone(`"lineage":{"inputs":[]}`), "v of")
	f("taken back", alone(`"lineage":{"_deleted":true}`), "v of")
	f("taken back by columnLineage", alone(`"columnLineage":{"_deleted":true}`), "v of")
	f("taken back by one, told by the other", alone(`"columnLineage":{"_deleted":true},"lineage":{"inputs":[`+a+`]}`), "v of a")
	f("not taken back", alone(`"columnLineage":{"_deleted":false}`), "")
	f("an empty facet says nothing", alone(`"lineage":{}`), "")
	f("by columnLineage", alone(`"columnLineage":{"fields":{"id":{"inputFields":[`+b+`]}},"dataset":[`+b+`]}`), "v of b")
	f("by both", alone(`"columnLineage":{"fields":{"id":{"inputFields":[`+b+`]}}},"lineage":{"inputs":[`+a+`]}`), "v of a")
	f("of itself", alone(`"lineage":{"inputs":[{"namespace":"x","name":"v","type":"DATASET"}]}`), "v of v")
	const input = `"run":{"runId":"0190a0c0-0000-7000-8000-000000000000"},"job":{"namespace":"n","name":"j"},"inputs":`
	f("an input's own", strings.Replace(input, `"inputs":`, `"outputs":[],"inputs":[]`, 1), "")
}
