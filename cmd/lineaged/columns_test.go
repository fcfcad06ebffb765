package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/internal/yesterday"
)

// This file is what the tests of the demo look at of columns.

// lacksColumns returns what is missing of the ways of columns, which the real sources tell of a registry and of
// transformations: a table's, across a connector that unwraps, to who reads it two hops on, and a topic's, across one
// that renames and hides.
func (s *server) lacksColumns() string {
	s.t.Helper()
	for field, want := range map[string][]string{
		"dataset:" + stock + "#quantity": {
			"1 topic:west/inventory.public.stock_levels#value.quantity true by its class and its transformations",
			"2 application:shop/stock-planner#value.quantity reads null it reads the whole of it: nobody says which columns",
		},
		"topic:west/orders#value.customer_email": {
			"1 dataset:" + warehouse + "#email null by its transformations and its class",
			"1 topic:east/west.orders#value.customer_email null copied as it is",
			"2 application:shop/fulfilment-east#value.customer_email reads null it reads the whole of it: nobody says which columns",
		},
		"topic:west/orders#value.delivery_phone": {"1 dataset:" + warehouse + "#delivery_phone null by its transformations and its class, masked"},
		"topic:west/orders#value.notes":          {"dropped by the transformation shape"},
	} {
		var out struct {
			ColumnLineage struct {
				Columns []struct {
					Field    string
					Hops     int
					Reads    bool
					InSchema *bool
				}
				Steps []struct {
					To, How string
					Masked  bool
				}
				Ends []struct{ Why string }
			}
		}
		if problem := s.query(fmt.Sprintf(`{ columnLineage(field: %q, direction: DOWNSTREAM, window: {last: "1m"}) {
			columns { field hops reads inSchema } steps { to how masked } ends { why } } }`, field), &out); problem != "" {
			return problem
		}
		var got []string
		for _, c := range out.ColumnLineage.Columns {
			words := fmt.Sprint(c.Hops, " ", c.Field)
			if c.Reads {
				words += " reads"
			}
			if c.InSchema == nil {
				words += " null"
			} else {
				words += fmt.Sprint(" ", *c.InSchema)
			}
			for _, step := range out.ColumnLineage.Steps {
				if step.To == c.Field {
					words += " " + step.How
					if step.Masked {
						words += ", masked"
					}
				}
			}
			got = append(got, words)
		}
		for _, e := range out.ColumnLineage.Ends {
			got = append(got, e.Why)
		}
		for _, line := range want {
			if !slices.Contains(got, line) {
				return fmt.Sprintf("%s leads to\n%s\nand not to %s", field, strings.Join(got, "\n"), line)
			}
		}
	}
	return ""
}

// sameColumns fails where the day before does not tell of columns what the registry and the connectors tell, or where
// that seems new as the demo begins.
func (s *server) sameColumns(day *yesterday.Day) {
	s.t.Helper()
	ask := func(at time.Time, question string) string {
		var out json.RawMessage
		window := fmt.Sprintf("{start: %q, end: %q}", at.Add(-time.Minute).UTC().Format(time.RFC3339), at.UTC().Format(time.RFC3339))
		if problem := s.query(strings.ReplaceAll(question, "WINDOW", window), &out); problem != "" {
			s.t.Fatal(problem)
		}
		return string(out)
	}
	now, then := time.Now().Add(-2*time.Second).Truncate(time.Second), day.Standstill().End.Truncate(time.Minute)
	if then.Before(day.Created()) {
		then = day.Created().Add(3 * time.Minute)
	}
	seen := ""
	for _, topic := range []string{"orders", "customers", "payments", "inventory.public.stock_levels", "sessions"} {
		for _, q := range []string{
			`{ schemas(node: "topic:west/` + topic + `", window: WINDOW) { schemas { source subject version id since part strategy compatibility format record columns { path type optional } problem } } }`,
			`{ columnLineage(field: "topic:west/` + topic + `#value", window: WINDOW) { steps { from to how masked } ends { why } } }`,
		} {
			got := ask(now, q)
			seen += got
			if was := ask(then, q); was != got {
				s.t.Errorf("%s\nis answered of %v with\n%s\nand of %v with\n%s", q, then, was, now, got)
			}
		}
	}
	for _, want := range []string{"customers-value", "PROTOBUF", `"__op"`, "by its transformations and its class"} {
		if !strings.Contains(seen, want) {
			s.t.Errorf("nobody tells of %s: %s", want, seen)
		}
	}
	before := ask(day.Created().Add(-time.Minute), `{ schemas(node: "topic:west/customers", window: WINDOW) { schemas { version } } }`)
	if !strings.Contains(before, `"version":1`) {
		s.t.Errorf("before its change the schema of customers was %s", before)
	}
	events := ask(time.Now().Truncate(time.Second), `{ events(window: {last: "25h"}, types: [SCHEMA_CHANGED]) { edges { node { at detail node { id } } } } }`)
	if strings.Count(events, "detail") != 1 || !strings.Contains(events, "the subject customers-value has version 2, and had 1; new: phone") {
		s.t.Errorf("changes of schemas: %s", events)
	}
}
