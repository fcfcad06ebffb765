package export

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// reportText asks for a report, of a register where path is.
func reportText(t *testing.T, e *Exporter, register bool, params string) string {
	t.Helper()
	values, err := url.ParseQuery(params)
	if err != nil {
		t.Fatal(err)
	}
	make := e.Report
	if register {
		make = e.Register
	}
	d, err := make(t.Context(), values)
	if err != nil {
		t.Fatalf("%s: %v", params, err)
	}
	var b strings.Builder
	if _, err := d.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// rowsOf reads the rows of a table behind its comments, by their columns.
func rowsOf(t *testing.T, text string) (out []map[string]string) {
	t.Helper()
	r := csv.NewReader(strings.NewReader(text))
	r.Comment = '#'
	all, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range all[1:] {
		cells := map[string]string{}
		for i, c := range row {
			cells[all[0][i]] = c
		}
		out = append(out, cells)
	}
	return out
}

// TestReport writes what a tag's report says in each form: names are foreign, and what is not known is no zero.
func TestReport(t *testing.T) {
	inShop(t, func(t *testing.T, e *Exporter) {
		const window = "start=2000-01-01T00:00:10Z&end=2000-01-01T00:02:00Z"
		text := reportText(t, e, false, "cluster=west&groupBy=owner&format=csv&"+window)
		for _, want := range []string{
			"# lineaged-usage-report, version ", "\r\n# scope: cluster west\r\n", "\r\n# window: 2000-01-01T00:00:10Z to 2000-01-01T00:02:00Z, step 10s\r\n", "\r\n# coverage: not complete, ",
			"broker 2 does not answer", "\r\n# blind spot: groups: readers without a <group>", "\r\n# part: ", "# not shown: who is permitted is not known",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("it lacks %q:\n%s", want, text)
			}
		}
		uses := map[string]map[string]string{}
		for _, row := range rowsOf(t, text) {
			if row["row"] == "use" {
				uses[row["operation"]+" "+row["node_name"]+" "+row["topic"]] = row
			}
			for _, c := range row {
				if c != "" && strings.ContainsAny(c[:1], "=+-@") {
					t.Errorf("a spreadsheet would calculate %q", c)
				}
			}
			if row["row"] == "total" && (row["topics"] != "2" || row["records_written"] == "" || row["at_least"] != "false" || row["estimated"] != "true") {
				t.Errorf("%v", row)
			}
		}
		if u := uses["read billing topic:west/orders"]; u == nil || u["records"] == "" || u["records"] == "0" || u["first_use"] == "" || u["said_by"] != "store" || !strings.HasPrefix(u["evidence"], "GROUP_OFFSETS since 2000-01-01T00:00:10Z") {
			t.Errorf("%v", u)
		}
		if u := uses["read '=evil,\"quoted\" topic:west/payments"]; u == nil {
			t.Errorf("there is no %v", uses)
		}
		hidden := uses["read "+visible(hostile)+" topic:west/orders"]
		if hidden == nil || hidden["active"] != "" || hidden["records"] != "" || hidden["at_least"] != "true" {
			t.Errorf("of whom nothing is known: %v", hidden)
		}
		var is struct {
			Format string
			Total  struct{ Readers int }
			Uses   []struct {
				Records *int64
				Active  *bool
			}
			Permissions any
		}
		if err := json.Unmarshal([]byte(reportText(t, e, false, "cluster=west&format=json&"+window)), &is); err != nil || is.Format != formatReport || len(is.Uses) != len(uses) || is.Permissions != nil {
			t.Errorf("%v %+v", err, is)
		}
		page := reportText(t, e, false, "cluster=west&groupBy=topic&format=html&"+window)
		for _, want := range []string{"<h1>Usage report: <bdi>cluster west</bdi></h1>", "not known whether it moved anything", "&lt;script&gt;", "What it does not show", "When nobody looked"} {
			if !strings.Contains(page, want) {
				t.Errorf("the page lacks %q", want)
			}
		}
		if strings.Contains(page, "<script") || strings.Contains(page, "ZgotmplZ") || strings.Contains(page, "http") {
			t.Error("the page holds markup of somebody else, or asks for something")
		}
	})
}

// TestReportNamesWhoAdministered holds that each form of a report names who administered, and says where nothing tells
// it.
func TestReportNamesWhoAdministered(t *testing.T) {
	inShop(t, func(t *testing.T, e *Exporter) {
		q := answer.UsageQuestion{Scope: answer.UsageScope{Of: answer.ClusterScope, Name: "west"}}
		is, err := e.answers.UsageReport(t.Context(), answer.Span{}, q)
		if err != nil {
			t.Fatal(err)
		}
		forms := func() (out [3]string) {
			d := &reported{UsageReport: is}
			for i, write := range []func(io.Writer) error{d.writeCSV, d.writeJSON, d.writeHTML} {
				var b bytes.Buffer
				if err := write(&b); err != nil {
					t.Fatal(err)
				}
				out[i] = b.String()
			}
			return out
		}
		for i, want := range []string{"# administered: not known", `"administered": null`, "Not known: nothing told it in all of this time."} {
			if text := forms()[i]; !strings.Contains(text, want) {
				t.Errorf("it lacks %q: %s", want, text)
			}
		}
		orders := answer.PartyOf("topic:west/orders", "", nil)
		use := lineage.AdministeredUse{Operation: "DELETE", Resource: "Topic", Name: "orders", Request: "DeleteTopics", Times: 2}
		is.Administered = answer.ReportAdministered{Known: true, List: []answer.UsageAdministered{{AdministeredUse: use, At: midnight, Cluster: "west", Topic: &orders, Principal: "=ann()", Host: "10.0.0.7", Sealed: true}}}
		for i, want := range []string{"2000-01-01T00:00:00Z,Topic,orders,DeleteTopics,,2", `"principal":"=ann()"`, "<bdi>=ann()</bdi>"} {
			if text := forms()[i]; !strings.Contains(text, want) {
				t.Errorf("it lacks %q: %s", want, text)
			}
		}
		for _, row := range rowsOf(t, forms()[0]) {
			if row["row"] == "administered" && (row["principal"] != "'=ann()" || row["said_by"] != "ledger" || row["topic"] != "topic:west/orders" || row["logged"] != "") {
				t.Errorf("%v", row)
			}
		}
	})
}

func TestRegisterForms(t *testing.T) {
	inShop(t, func(t *testing.T, e *Exporter) {
		const of = "tag=%3Dpii&start=2000-01-01T00:00:10Z&end=2000-01-01T00:02:00Z&format="
		rows := rowsOf(t, reportText(t, e, true, of+"csv"))
		roles := map[string]int{}
		for _, row := range rows {
			roles[row["row"]+row["role"]]++
			// the tag comes to payments by billing, which reads orders
			if derived := row["topic"] == "topic:west/payments"; (row["derived_way"] == "topic:west/orders > application:shop/billing > topic:west/payments") != derived {
				t.Errorf("%v", row)
			}
		}
		if borne := rowsOf(t, reportText(t, e, true, of+"csv&derived=false")); len(borne) >= len(rows) || slices.ContainsFunc(borne, func(row map[string]string) bool { return row["derived_way"] != "" }) {
			t.Errorf("%v", borne)
		}
		if roles["topic"] != 3 || roles["handlingsource"] < 2 || roles["handlingrecipient"] < 3 {
			t.Errorf("%v", roles)
		}
		var is struct {
			Format string
			Rows   []struct {
				Places []struct{ Node struct{ ID string } }
			}
		}
		text := reportText(t, e, true, of+"json")
		if err := json.Unmarshal([]byte(text), &is); err != nil || is.Format != formatRegister || !strings.Contains(text, `"id":"topic:west/payments"`) {
			t.Errorf("%v %s", err, text)
		}
		if page := reportText(t, e, true, of+"html"); !strings.Contains(page, "Register of processing: <bdi>tag =pii</bdi>") || strings.Contains(page, "<script") || !strings.Contains(page, "topic:west/payments") {
			t.Errorf("%s", page)
		}
	})
}

// TestRegisteredUse holds that a topic of which it is not known whether it was used is neither used nor unused in any
// form.
func TestRegisteredUse(t *testing.T) {
	inShop(t, func(t *testing.T, e *Exporter) {
		v, err := e.answers.View(t.Context(), answer.Last(time.Minute), answer.All)
		if err != nil {
			t.Fatal(err)
		}
		of := &answer.Register{UsageReport: &answer.UsageReport{View: v}}
		for name, used := range map[string]*bool{"moved": new(true), "rested": new(false), "derived": nil} {
			of.Topics = append(of.Topics, answer.RegisteredTopic{Topic: answer.PartyOf("topic:west/"+name, "", nil), Used: used})
		}
		d := &registered{reported{of.UsageReport}, of}
		var page, text, table strings.Builder
		if err := errors.Join(d.writeHTML(&page), d.writeJSON(&text), d.writeCSV(&table)); err != nil {
			t.Fatal(err)
		}
		var is struct {
			Topics []struct {
				Topic struct{ Name string }
				Used  *bool
			}
		}
		if err := json.Unmarshal([]byte(text.String()), &is); err != nil || len(is.Topics) != 3 {
			t.Fatalf("%v %s", err, text.String())
		}
		for _, x := range is.Topics {
			if (x.Used == nil) != (x.Topic.Name == "derived") || x.Used != nil && *x.Used != (x.Topic.Name == "moved") {
				t.Errorf("%+v", x)
			}
		}
		for name, want := range map[string]string{"moved": "yes", "rested": "not seen", "derived": "not known"} {
			_, after, _ := strings.Cut(page.String(), "topic:west/"+name)
			if row, _, _ := strings.Cut(after, "</tr>"); !strings.HasSuffix(row, "<td>"+want+"</td>") {
				t.Errorf("%s: %s", name, row)
			}
		}
		for _, row := range rowsOf(t, table.String()) {
			want := map[string]string{"topic:west/moved": "true", "topic:west/rested": "false"}[row["topic"]]
			if row["used"] != want {
				t.Errorf("%v", row)
			}
		}
	})
}

// TestReportOfATagKeepsApart holds in each form that what is derived is marked, and in no sum of what bears the tag.
func TestReportOfATagKeepsApart(t *testing.T) {
	inShop(t, func(t *testing.T, e *Exporter) {
		const of = "tag=%3Dpii&start=2000-01-01T00:00:10Z&end=2000-01-01T00:02:00Z&groupBy=topic&format="
		sums := map[string]string{}
		for _, row := range rowsOf(t, reportText(t, e, false, of+"csv")) {
			if row["row"] == "group" || row["row"] == "total" {
				sums[row["group"]+row["derived"]] = row["records_written"]
			}
		}
		want := map[string]string{"topic:east/ordersfalse": "900", "topic:west/ordersfalse": "16500", "topic:west/paymentstrue": "16500", "false": "17400", "true": "16500"}
		if !maps.Equal(sums, want) {
			t.Errorf("%v", sums)
		}
		type total struct{ Topics int }
		var is struct {
			Total        total
			DerivedTotal *total
			Uses         []struct {
				Derived bool
				Topic   struct {
					ID         string
					DerivedWay []string
				}
			}
		}
		if err := json.Unmarshal([]byte(reportText(t, e, false, of+"json")), &is); err != nil || is.Total.Topics != 2 || is.DerivedTotal == nil || is.DerivedTotal.Topics != 1 {
			t.Errorf("%v %+v", err, is)
		}
		for _, u := range is.Uses {
			if derived := u.Topic.ID == "topic:west/payments"; u.Derived != derived || (len(u.Topic.DerivedWay) == 3) != derived {
				t.Errorf("%+v", u)
			}
		}
		is.DerivedTotal = &total{}
		if err := json.Unmarshal([]byte(reportText(t, e, false, of+"json&derived=false")), &is); err != nil || is.DerivedTotal != nil {
			t.Errorf("%v %+v: they were not asked for", err, is.DerivedTotal)
		}
		if page := reportText(t, e, false, of+"html"); !strings.Contains(page, "derived: topic:west/orders &gt; application:shop/billing &gt; topic:west/payments") || !strings.Contains(page, "<dt>Derived, apart</dt><dd>1 topics") {
			t.Errorf("%s", page)
		}
	})
}

func TestSenselessReports(t *testing.T) {
	inShop(t, func(t *testing.T, e *Exporter) {
		for params, says := range map[string]string{
			"format=csv": "scope: ", "format=csv&tag=a&owner=b": "scope: ", "format=pdf&tag=a": "format: ", "format=csv&tag=a&groupBy=weekday": "groupBy: ",
			"format=csv&tag=a&source=x": "source: ", "format=csv&tag=a&derived=perhaps": "derived: ", "format=csv&tag=a&rows=periods&derived=true": "derived: ", "format=json&tag=a&rows=periods": "rows: ", "format=csv&tag=a&rows=periods": "there is no ledger", "format=csv&tag=a&tags=b": "tags: ",
			"format=csv&topic=orders": "is no id",
		} {
			values, err := url.ParseQuery(params)
			if err != nil {
				t.Fatal(err)
			}
			_, err = e.Report(t.Context(), values)
			if refused, ok := errors.AsType[*answer.RefusedError](err); !ok || !strings.Contains(refused.Sentence, says) {
				t.Errorf("%s: %v", params, err)
			}
		}
	})
}

// manyHours is a ledger of as many hours, in each of which as many read a topic.
type manyHours struct{ hours, each int }

func (m manyHours) Closed(context.Context, lineage.Window) (from, until time.Time, err error) {
	return midnight.Add(-time.Duration(m.hours) * time.Hour), midnight, nil
}

func (m manyHours) Said(_ context.Context, w lineage.Window, _ answer.Wanted, each func(*answer.SaidPeriod) error) error {
	for n := range m.hours {
		p := &answer.SaidPeriod{Window: lineage.Window{Start: w.Start.Add(time.Duration(n) * time.Hour), End: w.Start.Add(time.Duration(n+1) * time.Hour)}}
		for range m.each {
			p.Uses = append(p.Uses, answer.SaidUse{Entry: 7, TopicUse: answer.TopicUse{
				Topic: answer.PartyOf("topic:west/orders", "", nil), Node: answer.PartyOf("application:west/%3Devil", "", nil), Active: new(true), Records: new(int64(1)), Sealed: true,
			}})
		}
		if err := each(p); err != nil {
			return err
		}
	}
	return nil
}

// stopping is a writer that ends after so many bytes, as who leaves does, and counts lines.
type stopping struct{ lines, bytes, most int }

func (s *stopping) Write(p []byte) (int, error) {
	s.lines += strings.Count(string(p), "\n")
	if s.bytes += len(p); s.most > 0 && s.bytes > s.most {
		return 0, errors.New("he left")
	}
	return len(p), nil
}

// weighed counts lines, and how much more memory is in use at the most than at its beginning, looked at now and then.
type weighed struct {
	stopping

	begin, most uint64
	looks       int
}

func (w *weighed) Write(p []byte) (int, error) {
	const every = 2 << 20 // bytes that are written between two looks
	if before := w.bytes; (before+len(p))/every > before/every || w.looks == 0 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		if w.looks++; w.looks == 1 {
			w.begin = m.HeapAlloc
		}
		w.most = max(w.most, m.HeapAlloc)
	}
	return w.stopping.Write(p)
}

// TestManyRecordsAreWrittenInBoundedMemory writes 10 million rows of uses, in the long form, and else 60,000: what
// is in use at any time does not grow with them.
func TestManyRecordsAreWrittenInBoundedMemory(t *testing.T) {
	hours := 60
	if os.Getenv("LINEAGED_LONG") != "" {
		hours = 10_000
	}
	synctest.Test(t, func(t *testing.T) {
		e := New(answer.New(answer.Options{
			History: shop(t), Identity: func() answer.Identity { return people{} }, Ledger: func() answer.Ledger { return manyHours{hours, 1000} },
			Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}},
		}))
		start := midnight.Add(-time.Duration(hours) * time.Hour).Format(time.RFC3339)
		d, err := e.Report(t.Context(), url.Values{"cluster": {"west"}, "rows": {"periods"}, "format": {"csv"}, "start": {start}, "end": {midnight.Format(time.RFC3339)}})
		if err != nil {
			t.Fatal(err)
		}
		all := &weighed{}
		if _, err := d.WriteTo(all); err != nil || all.lines != hours*1000+7 {
			t.Fatalf("%d lines, %v", all.lines, err)
		}
		// A period of 1,000 uses is half a megabyte, all of them at once would be 30 and, in the long form, gigabytes.
		if grown := all.most - min(all.begin, all.most); all.looks < 4 || grown > 8<<20 {
			t.Errorf("%d MiB more are in use while %d MB are written, in %d looks", grown>>20, all.bytes/1e6, all.looks)
		}
	})
}

// TestPeriodsAreStreamed writes a row for each use of each hour as it is read, and ends with who reads.
func TestPeriodsAreStreamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := New(answer.New(answer.Options{
			History: shop(t), Identity: func() answer.Identity { return people{} }, Ledger: func() answer.Ledger { return manyHours{1000, 10} },
			Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}},
		}))
		d, err := e.Report(t.Context(), url.Values{"cluster": {"west"}, "rows": {"periods"}, "format": {"csv"}, "start": {"1999-12-01T00:00:00Z"}, "end": {"2000-01-01T00:00:00Z"}})
		if err != nil {
			t.Fatal(err)
		}
		all := &stopping{}
		if _, err := d.WriteTo(all); err != nil || all.lines != 10_000+7 {
			t.Errorf("%d lines, %v", all.lines, err)
		}
		left := &stopping{most: 1 << 20}
		if _, err := d.WriteTo(left); err == nil || left.bytes > 2<<20 {
			t.Errorf("who left was sent %d bytes, %v", left.bytes, err)
		}
	})
}
