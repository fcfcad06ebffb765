package export

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/answer"
)

func changeText(t *testing.T, of func(context.Context, url.Values) (*Document, error), params string) string {
	t.Helper()
	values, err := url.ParseQuery(params)
	if err != nil {
		t.Fatal(err)
	}
	d, err := of(t.Context(), values)
	if err != nil {
		t.Fatalf("%s: %v", params, err)
	}
	var b bytes.Buffer
	if _, err := d.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func has(t *testing.T, text string, all ...string) {
	t.Helper()
	for _, want := range all {
		if !strings.Contains(text, want) {
			t.Errorf("it lacks %q:\n%s", want, text)
		}
	}
}

// TestDeletionForms holds that the forms say what speaks against the deletion of a topic and what was not seen, as the
// answer has it, beneath what was observed.
func TestDeletionForms(t *testing.T) {
	inShop(t, func(t *testing.T, e *Exporter) {
		text := changeText(t, e.Deletion, "topic=topic:west/orders&format=csv&days=1")
		has(t, text, "# lineaged-deletion, version 1\r\n# topic: topic:west/orders\r\n# days: 1\r\n# window: ", "\r\n# coverage: not complete", "broker 2 does not answer", "\r\n# blind spot: groups: readers without a <group>", "\r\n# verdict: UNSAFE\r\n", "\r\n# records: not known\r\n")
		rows := map[string]int{}
		for _, row := range rowsOf(t, text) {
			rows[row["row"]+" "+row["kind"]]++
			if row["row"] == "against" && row["kind"] == "READ" && (row["node"] == "" || row["last_seen"] == "" || row["evidence"] == "") {
				t.Errorf("%v", row)
			}
		}
		if rows["against WRITTEN"] < 1 || rows["against READ"] != 2 || rows["untold RECORDS"] != 1 || rows["untold BEFORE_DATA"] != 1 {
			t.Errorf("%v", rows)
		}
		var is struct {
			Format, Topic, Verdict string
			Records                *int64
			Against, Untold        []struct{ Kind string }
			Coverage               struct{ Complete bool }
		}
		if err := json.Unmarshal([]byte(changeText(t, e.Deletion, "topic=payments&format=json&days=1")), &is); err != nil || is.Format != formatDeletion || is.Topic != "topic:west/payments" || is.Verdict != "UNSAFE" || is.Records != nil || len(is.Against) == 0 || len(is.Untold) == 0 || is.Coverage.Complete {
			t.Errorf("%v %+v", err, is)
		}
	})
}

// TestWhatIfForms holds that the forms say who starves, what is lost and what can't be told.
func TestWhatIfForms(t *testing.T) {
	inShop(t, func(t *testing.T, e *Exporter) {
		const of = "lose=topic:west/orders&start=2000-01-01T00:00:10Z&end=2000-01-01T00:02:00Z&format="
		text := changeText(t, e.WhatIf, of+"csv")
		has(t, text, "# lineaged-what-if, version 1\r\n# lost: topic:west/orders\r\n# window: 2000-01-01T00:00:10Z to 2000-01-01T00:02:00Z, step 10s\r\n# coverage: not complete", "\r\n# lost at: 2000-01-01T00:0", "it is not zero")
		kinds := map[string]string{}
		for _, row := range rowsOf(t, text) {
			kinds[row["row"]+" "+row["node"]] = row["at_least_seconds"]
			for _, c := range row {
				if c != "" && strings.ContainsAny(c[:1], "=+-@") {
					t.Errorf("a spreadsheet would calculate %q", c)
				}
			}
		}
		for _, want := range []string{"lost topic:west/orders", "copy topic:west/orders", "starved application:shop/billing", "starved topic:west/payments"} {
			if _, ok := kinds[want]; !ok {
				t.Errorf("there is no %q in %v", want, kinds)
			}
		}
		var is struct {
			Format  string
			Lose    []string
			Lost    []struct{ Node, Why string }
			Starved []struct {
				Node         string
				AfterSeconds *float64
			}
			Copies []struct{ Only *bool }
		}
		if err := json.Unmarshal([]byte(changeText(t, e.WhatIf, of+"json&lose=cluster:east")), &is); err != nil || is.Format != formatWhatIf || len(is.Lose) != 2 || len(is.Lost) < 2 || is.Lost[0].Why != "ASKED" || len(is.Starved) < 2 {
			t.Errorf("%v %+v", err, is)
		}
	})
}

// TestRetireForms holds that the forms list what could be put away, counted by kind.
func TestRetireForms(t *testing.T) {
	inShop(t, func(t *testing.T, e *Exporter) {
		text := changeText(t, e.Retire, "days=1&cluster=west&format=csv")
		has(t, text, "# lineaged-retire, version 1\r\n# days: 1\r\n# cluster: west\r\n# window: ", "\r\n# coverage: not complete", "\r\n# UNOWNED_TOPIC: 1, proved: 0\r\n")
		rows := rowsOf(t, text)
		if len(rows) != 1 || rows[0]["kind"] != "UNOWNED_TOPIC" || rows[0]["node"] != "topic:west/payments" || rows[0]["verdict"] != "UNSAFE" || rows[0]["evidence"] == "" {
			t.Errorf("%v", rows)
		}
		var is struct {
			Format string
			Scope  struct {
				Kinds []string
				Owner *string
				Days  int
			}
			Rows   []struct{ Kind string }
			ByKind []struct{ Count int }
		}
		if err := json.Unmarshal([]byte(changeText(t, e.Retire, "format=json&kinds=dead_group")), &is); err != nil || is.Format != formatRetire || is.Scope.Days != 30 || is.Scope.Owner != nil || len(is.Scope.Kinds) != 1 || len(is.Rows) != 0 || len(is.ByKind) != 4 {
			t.Errorf("%v %+v", err, is)
		}
	})
}

func TestSenselessChanges(t *testing.T) {
	inShop(t, func(t *testing.T, e *Exporter) {
		for _, x := range []struct {
			of           func(context.Context, url.Values) (*Document, error)
			params, says string
		}{
			{e.Deletion, "format=csv", "topic: "},
			{e.Deletion, "format=csv&topic=topic:west/orders&days=0", `days: "0"`},
			{e.Deletion, "format=csv&topic=topic:west/orders&last=1h", "last: "},
			{e.Deletion, "format=csv&topic=application:shop/billing", "is not a topic"},
			{e.Deletion, "format=html&topic=topic:west/orders", "format: "},
			{e.WhatIf, "format=csv", "lose: "},
			{e.WhatIf, "format=csv&lose=broker:west", "lose: "},
			{e.WhatIf, "format=csv&lose=nothing", "lose: "},
			{e.WhatIf, "format=csv" + strings.Repeat("&lose=cluster:west", 51), "lose: "},
			{e.Retire, "format=csv&kinds=DEAD_TOPIC", `kinds: "DEAD_TOPIC"`},
			{e.Retire, "format=csv&cluster=north", "north"},
			{e.Retire, "format=svg", "format: "},
		} {
			values, err := url.ParseQuery(x.params)
			if err != nil {
				t.Fatal(err)
			}
			_, err = x.of(t.Context(), values)
			if refused, ok := errors.AsType[*answer.RefusedError](err); !ok || !strings.Contains(refused.Sentence, x.says) {
				t.Errorf("%s: %v", x.params, err)
			}
		}
	})
}
