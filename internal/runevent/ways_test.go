package runevent_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/internal/runevent"
)

func TestWays(t *testing.T) {
	f := func(what, job, inputs, outputs string, explicit bool, want string, flags ...string) {
		t.Helper()
		body := fmt.Sprintf(`%s,"job":{"namespace":"ns","name":"j","facets":{%s}},"inputs":[%s],"outputs":[%s]}`, least, job, inputs, outputs)
		e, said, err := runevent.Parse([]byte(body))
		if err != nil {
			t.Errorf("%s: %v", what, err)
			return
		}
		var got []string
		for _, w := range e.Ways {
			got = append(got, w.From.Name+">"+w.To.Name)
		}
		if is := strings.Join(got, " "); is != want || e.Explicit != explicit || fmt.Sprint(said) != fmt.Sprint(flags) {
			t.Errorf("%s: got %q, explicit %v, flags %q, want %q, %v, %q", what, is, e.Explicit, said, want, explicit, flags)
		}
		for _, w := range e.Ways { // what leads anywhere is read and written
			if names := fmt.Sprint(e.Reads, e.Writes); !strings.Contains(names, w.From.Name) || !strings.Contains(names, w.To.Name) {
				t.Errorf("%s: %v is not among %s", what, w, names)
			}
		}
	}
	set := func(name, more string) string {
		return fmt.Sprintf(`{"namespace":"x","name":%q,"type":"DATASET"%s}`, name, more)
	}
	entries := func(all ...string) string { return `"lineage":{"entries":[` + strings.Join(all, ",") + `]}` }
	const table = `{"namespace":"hive","name":"t","facets":{"symlinks":{"identifiers":[{"namespace":"kafka://b:1","name":"orders"}]}}}`
	f("no facet", "", set("a", ""), set("c", ""), false, "")
	f("two entries", entries(set("c", `,"inputs":[`+set("a", "")+`,`+set("a", "")+`]`), set("d", `,"inputs":[`+set("b", "")+`]`)), "", "", true, ">c a>c >d b>d")
	f("by fields alone, and by both", entries(set("c", `,"inputs":[`+set("a", "")+`],"fields":{"f":{"inputs":[`+set("b", `,"field":"g"`)+`]}}`)), "", "", true, ">c a>c b>c")
	f("nothing leads there", entries(set("c", `,"inputs":[]`)), set("a", ""), "", true, ">c")
	f("a job leads there", entries(set("c", `,"inputs":[{"type":"JOB"},{"type":"JOB","namespace":"ns","name":"other"}]`)), set("a", ""), "", true, ">c")
	f("into the job itself", entries(`{"type":"JOB","inputs":[`+set("a", "")+`]}`, `{"type":"JOB","namespace":"ns","name":"j","inputs":[`+set("b", "")+`]}`), "", "", true, "")
	f("into another job", entries(`{"type":"JOB","namespace":"ns","name":"other","inputs":[`+set("a", "")+`]}`), "", "", false, "", "a lineage facet of another job")
	f("no entries", entries(), set("a", ""), set("c", ""), false, "")
	f("of an output", "", set("a", ""), set("c", `,"facets":{"lineage":{"inputs":[`+set("a", "")+`]}}`)+","+set("d", `,"facets":{"lineage":{}}`), false, ">c a>c")
	f("of a table that is a topic", entries(`{"namespace":"hive","name":"t","type":"DATASET","inputs":[`+set("a", "")+`]}`), "", table, true, ">orders a>orders")
	f("from a table that is a topic", entries(set("c", `,"inputs":[{"namespace":"hive","name":"t","type":"DATASET"}]`)), table, "", true, ">c orders>c")
	f("broken", `"lineage":{"entries":{}}`, set("a", ""), set("c", ""), false, "", "a lineage facet is no list")
	f("without names", entries(`{"type":"DATASET","inputs":[`+set("a", "")+`]}`, set("c", `,"inputs":[{"type":"DATASET"}]`)), "", "", true, ">c", "a dataset without a name")
}
