package export

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/ledger"
)

// TestProvedNamesWhoAdministered holds that each form of a bundle names who administered its topic, and that a cell
// which a spreadsheet would run is none.
func TestProvedNamesWhoAdministered(t *testing.T) {
	at := ledger.At(time.Date(2026, 3, 1, 12, 5, 0, 0, time.UTC))
	text := func(s string) *string { return &s }
	b := &ledger.Proved{Topic: "topic:west/orders", Periods: []ledger.Said{{
		Period: ledger.Period{Start: ledger.At(at.Add(-time.Hour)), End: ledger.At(at.Add(time.Hour))},
		Administered: []ledger.Administration{
			{At: at, Cluster: "west", Name: "orders", Operation: text("DELETE"), Principal: text("=cmd()"), Host: text("10.0.0.7"), Request: text("DeleteTopics"), Logged: &at, Times: 2},
			{At: at, Cluster: "west", Name: "orders", Operation: text("ALTER"), Times: 1},
		},
	}}}
	for form, want := range map[string][]string{
		"json": {`"DeleteTopics"`, `"=cmd()"`, `"10.0.0.7"`},
		"html": {"<bdi>=cmd()</bdi>", "DELETE orders, for DeleteTopics", "10.0.0.7"},
		"csv":  {"administer", "'=cmd()", "DELETE orders, for DeleteTopics", "10.0.0.7"},
	} {
		var out bytes.Buffer
		if err := ProvedForms()[form](&out, b); err != nil {
			t.Fatal(err)
		}
		for _, s := range want {
			if !strings.Contains(out.String(), s) {
				t.Errorf("%s: %q is not in %s", form, s, out.String())
			}
		}
		if form == "csv" {
			r := csv.NewReader(&out)
			r.Comment = '#'
			if rows, err := r.ReadAll(); err != nil || len(rows) != 3 || rows[2][len(rows[2])-1] != "" {
				t.Errorf("%q %v", rows, err)
			}
		}
	}
}
