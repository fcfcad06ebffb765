package runevent_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/lineaged/lineaged/internal/runevent"
)

// Spark's columns of a topic are those of its relation, whatever the records hold: key, value, topic, partition and so
// on. The value is all of what the topic's columns are of; of the others nothing is told of those.
func TestSparksEnvelope(t *testing.T) {
	const relation = `"schema":{"fields":[{"name":"key","type":"binary"},{"name":"value","type":"binary"},{"name":"topic","type":"string"},{"name":"partition","type":"integer"},
		{"name":"offset","type":"long"},{"name":"timestamp","type":"timestamp"},{"name":"timestampType","type":"integer"}]}`
	topic := func(name, facets string) string {
		return fmt.Sprintf(`{"namespace":"kafka://b:1","name":%q,"facets":{%s}}`, name, facets)
	}
	made := func(all string) string { return `"columnLineage":{"fields":{` + all + `}}` }
	of := func(to, set, from string) string {
		return fmt.Sprintf(`%q:{"inputFields":[{"namespace":%q,"name":%q,"field":%q}]}`, to, map[bool]string{true: "kafka://b:1", false: "file"}[set == "orders"], set, from)
	}
	f := func(what, integration, inputs, outputs, want string) {
		t.Helper()
		e, flags, err := runevent.Parse(fmt.Appendf(nil, `%s,"job":{"namespace":"ns","name":"j","facets":{"jobType":{"processingType":"BATCH","integration":%q,"jobType":"SQL_JOB"}}},"inputs":[%s],"outputs":[%s]}`,
			least, integration, inputs, outputs))
		if err != nil || len(flags) > 0 {
			t.Errorf("%s: %q, %v", what, flags, err)
			return
		}
		got := ""
		for _, s := range e.Schemas {
			got += fmt.Sprintf("%s has %d; ", s.Dataset.Name, len(s.Columns))
		}
		for _, m := range e.Made {
			got += fmt.Sprintf("%s less %d:", m.Output.Name, m.Cut)
			for _, l := range m.Links {
				got += fmt.Sprintf(" %s.%s>%s", l.Input.Name, l.From, l.To)
			}
			got += "; "
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
	}
	file := `{"namespace":"file","name":"/out","facets":{"schema":{"fields":[{"name":"value","type":"string"}]},` + made(of("id", "orders", "value")+","+of("part", "orders", "partition")) + `}}`
	f("a relation and a file", "SPARK", topic("orders", relation), file, "/out has 1; /out less 1: orders.>id; ")
	f("into a topic", "SPARK", "", topic("up", `"schema":{"fields":[{"name":"key","type":"string"},{"name":"value","type":"string"}]},`+made(of("key", "orders", "value")+","+of("value", "orders", "value"))), "up less 1: orders.>; ")
	f("a file's columns are what they are called", "SPARK", "", topic("up", made(of("value", "/in", "value"))), "up less 0: /in.value>; ")
	f("columns of a topic's records", "SPARK", topic("orders", `"schema":{"fields":[{"name":"value","type":"string"},{"name":"email","type":"string"}]}`), "", "orders has 2; ")
	f("another engine", "FLINK", topic("orders", relation), topic("up", made(of("value", "orders", "value"))), "orders has 7; up less 0: orders.value>value; ")
}

// TestAnEventOfSparks reads the end of a real run, of Spark 3.5.7 with openlineage-spark 1.53.0.
func TestAnEventOfSparks(t *testing.T) {
	body, err := os.ReadFile("testdata/spark/topic_to_files.json")
	if err != nil {
		t.Fatal(err)
	}
	e, flags, err := runevent.Parse(body)
	if err != nil || len(flags) > 0 {
		t.Fatalf("%q, %v", flags, err)
	}
	if len(e.Reads) != 1 || e.Reads[0].Name != "orders" || len(e.Writes) != 1 || e.Type != runevent.Complete || e.Streams || e.Integration != "SPARK" || e.Facets.Engine != "spark" || e.Facets.Parent == nil {
		t.Errorf("it says %+v", e)
	}
	if len(e.Schemas) != 1 || e.Schemas[0].Dataset != e.Writes[0] || len(e.Schemas[0].Columns) != 2 || len(e.Made) > 0 {
		t.Errorf("of columns it says %+v and %+v: the topic's are its relation's", e.Schemas, e.Made)
	}
}
