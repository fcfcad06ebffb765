package export

import (
	"encoding/json"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/ledger"
)

// sealedMonths are statements as a ledger has them.
type sealedMonths map[string][]ledger.StatementPart

func (s sealedMonths) Statement(month ledger.Period) ([]ledger.StatementPart, error) {
	return s[month.Start.Format("2006-01")], nil
}

// StatementBundle is a bundle in name only: what is in one is the ledger's to test.
func (s sealedMonths) StatementBundle(month ledger.Period) (io.WriterTo, error) {
	return strings.NewReader("bundle of " + month.Start.Format("2006-01")), nil
}

func sealedApril() sealedMonths {
	line := func(month time.Month, owner, count, cost string, corrects *int64) ledger.BillLine {
		start := time.Date(2026, month, 1, 0, 0, 0, 0, time.UTC)
		l := ledger.BillLine{
			Basis: "MEASURED", Cluster: "west", Corrects: corrects, Cost: &cost, Count: count, Start: ledger.At(start), End: ledger.At(start.AddDate(0, 1, 0)), Hours: 720, Meter: "INGRESS_RECORDS",
			Observed: 700, Price: new("0.001"), Topic: "topic:west/-orders",
		}
		if owner != "" {
			l.Owner = &owner
		}
		return l
	}
	april := ledger.MonthOf(time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC))
	rules := []ledger.BillRule{{Meter: "EGRESS", Payer: "consumer"}, {Meter: "INGRESS", Payer: "producer"}, {Meter: "STORAGE", Payer: "topic-owner"}}
	return sealedMonths{"2026-04": {
		{Currency: new("EUR"), Month: april, Parts: 2, Rules: rules, Index: 40, Lines: []ledger.BillLine{line(4, "=shop", "700", "0.7", nil)}},
		{Currency: new("EUR"), Month: april, Part: 1, Parts: 2, Rules: rules, Index: 41, Lines: []ledger.BillLine{
			line(4, "", "300", "0.3", nil), line(3, "=shop", "-100", "-0.1", new(int64(7))), line(3, "", "100", "0.1", new(int64(7))),
		}},
	}}
}

// What is sealed leaves as FOCUS with what is corrected as rows of their own, in the month in which it is known.
func TestASealedStatement(t *testing.T) {
	e, months := New(nil), sealedApril()
	if d, err := e.Statement(t.Context(), months, url.Values{"month": {"2026-04"}, "format": {"bundle"}}); err != nil || !strings.HasSuffix(d.FileName, ".lineaged-bundle") || !strings.HasPrefix(d.FileName, "statement-2026-04-") {
		t.Errorf("the bundle: %v %v", d, err)
	}
	ask := func(query string) (string, error) {
		params, err := url.ParseQuery(query)
		if err != nil {
			return "", err
		}
		d, err := e.Statement(t.Context(), months, params)
		if err != nil {
			return "", err
		}
		var b strings.Builder
		_, err = d.WriteTo(&b)
		return b.String(), err
	}
	text, err := ask("month=2026-04&format=focus")
	if err != nil {
		t.Fatal(err)
	}
	rows := focusRows(t, text)
	var got []string
	for _, row := range rows[1:] {
		cells := make([]string, 0, 6)
		for _, name := range []string{"BillingPeriodStart", "ChargePeriodStart", "ChargeClass", "BilledCost", "SubAccountId", "x_Corrects"} {
			cells = append(cells, strings.TrimSuffix(row[slices.Index(rows[0], name)], "-01T00:00:00Z"))
		}
		got = append(got, strings.Join(cells, " | "))
	}
	want := []string{
		"2026-04 | 2026-04 |  | 0.7 | owner:=shop | ", "2026-04 | 2026-04 |  | 0.3 | unattributed | ",
		"2026-04 | 2026-03 | Correction | -0.1 | owner:=shop | entry 7 of the ledger; statement of 2026-03",
		"2026-04 | 2026-03 | Correction | 0.1 | unattributed | entry 7 of the ledger; statement of 2026-03",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if text, err = ask("month=2026-04&format=csv"); err != nil || !strings.Contains(text, "west,'=shop,false,topic:west/-orders,'-orders,INGRESS_RECORDS,Records,-100,MEASURED,0.001,-0.1,EUR,producer,") ||
		!strings.Contains(text, "# sealed in the ledger as entries 40 to 41") {
		t.Errorf("%v\n%s", err, text)
	}
	var is struct {
		Lines []struct {
			Entry    int64
			Corrects *int64
			Quantity string
		}
	}
	if text, err = ask("month=2026-04&format=json"); err != nil || json.Unmarshal([]byte(text), &is) != nil || len(is.Lines) != 4 || is.Lines[2].Entry != 41 || *is.Lines[2].Corrects != 7 {
		t.Errorf("%v %+v\n%s", err, is, text)
	}
	for query, says := range map[string]string{
		"month=2026-03&format=csv": "no statement of 2026-03", "format=csv": "month", "month=2026-4&format=csv": "no month", "month=2026-04&format=csv&cluster=west": "cluster",
	} {
		if _, err := ask(query); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", query, err, says)
		}
	}
}
