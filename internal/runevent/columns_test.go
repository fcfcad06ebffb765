package runevent

import (
	"fmt"
	"strings"
	"testing"
)

func TestColumns(t *testing.T) {
	event := func(facets string) string {
		return `{"eventTime":"2026-11-28T01:30:00Z","producer":"p","schemaURL":"s","eventType":"START","run":{"runId":"0190a0c0-0000-7000-8000-000000000000"},"job":{"namespace":"n","name":"j"},
			"inputs":[{"namespace":"kafka://b1:9092","name":"orders","facets":{"schema":{"fields":[{"name":"id","type":"INT","description":"hunter2"},{"name":"home","type":"STRUCT","fields":[{"name":"street"}]}]}}}],
			"outputs":[{"namespace":"pg","name":"t","facets":{` + facets + `}}]}`
	}
	for facets, want := range map[string]string{
		``:                                   `kafka://b1:9092/orders: [id] INT [home] STRUCT [home street] `,
		`"schema":{"fields":[]}`:             `kafka://b1:9092/orders: [id] INT [home] STRUCT [home street] `,
		`"schema":{"fields":[{"type":"x"}]}`: `kafka://b1:9092/orders: [id] INT [home] STRUCT [home street] ; flags [a schema facet that can't be read]`,
		`"columnLineage":{"fields":{"mail":{"inputFields":[{"namespace":"kafka://b1:9092","name":"orders","field":"email","transformations":[{"type":"DIRECT","subtype":"TRANSFORMATION","masking":true,"description":"hunter2"}]}]}},"dataset":[{"namespace":"kafka://b1:9092","name":"orders","field":"id","transformations":[{"type":"INDIRECT","subtype":"FILTER"}]}]}`: `kafka://b1:9092/orders: [id] INT [home] STRUCT [home street] ; made pg/t: mail of orders email DIRECT/TRANSFORMATION true, of orders id INDIRECT/FILTER false`,
		`"columnLineage":{"fields":{"mail":{"inputFields":[{"field":"email"}]}}}`: `kafka://b1:9092/orders: [id] INT [home] STRUCT [home street] ; flags [a columnLineage facet that can't be read]`,
		`"columnLineage":{"fields":[]}`:                                           `kafka://b1:9092/orders: [id] INT [home] STRUCT [home street] ; flags [a columnLineage facet that can't be read]`,
	} {
		e, flags, err := Parse([]byte(event(facets)))
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		for _, s := range e.Schemas {
			fmt.Fprintf(&out, "%s/%s: ", s.Dataset.Namespace, s.Dataset.Name)
			for _, c := range s.Columns {
				fmt.Fprintf(&out, "%v %s ", c.Names, c.Type)
			}
		}
		for _, m := range e.Made {
			fmt.Fprintf(&out, "; made %s/%s: ", m.Output.Namespace, m.Output.Name)
			for i, l := range m.Links {
				if i > 0 {
					out.WriteString(", ")
				}
				fmt.Fprintf(&out, "%s of %s %s %s %v", l.To, l.Input.Name, l.From, l.How, l.Masked)
			}
		}
		if len(flags) > 0 {
			fmt.Fprintf(&out, "; flags %v", flags)
		}
		if got := strings.Join(strings.Fields(out.String()), " "); got != strings.TrimSpace(want) {
			t.Errorf("%s:\n%s\nwant\n%s", facets, got, want)
		}
	}
}
