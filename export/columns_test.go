package export

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

// TestColumnsForms holds that the forms say where a column leads, who is taken to read it and what nobody knows, and
// that a column that is lost is told as that, and not as somebody who starves.
func TestColumnsForms(t *testing.T) {
	inShop(t, func(t *testing.T, e *Exporter) {
		const window = "&start=2000-01-01T00:00:10Z&end=2000-01-01T00:02:00Z&format="
		text := changeText(t, e.Columns, "field=topic:west/orders%23email"+window+"csv")
		has(t, text, "# lineaged-columns, version 1\r\n# column: topic:west/orders#value.email\r\n# direction: BOTH\r\n# more columns than are listed: false\r\n# window: 2000-01-01T00:00:10Z to 2000-01-01T00:02:00Z, step 10s\r\n# coverage: not complete", "more may be hurt")
		rows := map[string]map[string]string{}
		for _, row := range rowsOf(t, text) {
			rows[row["row"]+" "+row["node"]] = row
		}
		self, reader, step := rows["column topic:west/orders"], rows["column application:shop/billing"], rows["step application:shop/billing"]
		if self["hops"] != "0" || self["direction"] != "" || self["in_schema"] != "" || self["column"] != "topic:west/orders#value.email" {
			t.Errorf("the column itself is %v", self)
		}
		if reader["hops"] != "1" || reader["direction"] != "DOWNSTREAM" || reader["reads"] != "true" || reader["assumed"] != "true" {
			t.Errorf("its reader is %v", reader)
		}
		if step["from"] != "topic:west/orders#value.email" || step["evidence"] != "" || step["assumed"] != "true" || step["how"] == "" {
			t.Errorf("the step to it is %v", step)
		}
		if unknown := rows["unknown unidentified:west/orders"]; !strings.Contains(unknown["why"], "nobody says") {
			t.Errorf("who writes it: %v, of %v", unknown, rows)
		}
		type body struct {
			Column  string
			Columns []struct {
				Node      string
				Direction *string
				InSchema  *bool
				Reads     bool
			}
			Steps         []struct{ Evidence *string }
			Ends, Unknown []struct{ At, Why string }
			Cut           bool
		}
		var is struct {
			body
			Format, Direction string
			Coverage          struct{ Complete bool }
		}
		if err := json.Unmarshal([]byte(changeText(t, e.Columns, "field=topic:west/orders%23email&direction=upstream"+window+"json")), &is); err != nil || is.Format != formatColumns || is.Direction != "UPSTREAM" || is.Column != "topic:west/orders#value.email" ||
			len(is.Columns) != 1 || is.Columns[0].Direction != nil || is.Columns[0].InSchema != nil || len(is.Unknown) == 0 || is.Ends == nil || is.Coverage.Complete {
			t.Errorf("%v %+v", err, is)
		}
		const lose = "lose=topic:west/orders%23email" + window
		text = changeText(t, e.WhatIf, lose+"csv")
		kinds := map[string]string{}
		for _, row := range rowsOf(t, text) {
			kinds[row["row"]+" "+row["node"]] = row["with"]
			if row["row"] == "starved" || row["row"] == "lost" {
				t.Errorf("without a column somebody starves: %v", row)
			}
		}
		for _, want := range []string{"column topic:west/orders", "column application:shop/billing", "column_step application:shop/billing"} {
			if kinds[want] != "topic:west/orders#value.email" {
				t.Errorf("there is no %q in %v", want, kinds)
			}
		}
		var lost struct {
			Lost, Starved []struct{}
			Columns       []body
		}
		if err := json.Unmarshal([]byte(changeText(t, e.WhatIf, lose+"json")), &lost); err != nil || len(lost.Lost)+len(lost.Starved) != 0 || len(lost.Columns) != 1 || len(lost.Columns[0].Columns) < 2 {
			t.Errorf("%v %+v", err, lost)
		}
		for query, want := range map[string]string{
			"format=csv": "field", "field=topic:west/orders&format=csv": "is no column", "field=topic:west/none%23a&format=csv": "no node", "field=topic:west/orders%23a&format=svg": "format",
		} {
			values, err := url.ParseQuery(query)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := e.Columns(t.Context(), values); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %s", query, err, want)
			}
		}
	})
}
