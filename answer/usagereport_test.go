package answer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// shopFiles say who answers for the nodes of the world of reports.
var shopFiles = &owned{
	owners: map[string]string{"topic:west/customers": "crm", "application:west/billing": "finance", "application:west/mailer": "marketing"},
	tags:   map[string][]string{"topic:west/customers": {"pii"}, "topic:west/archive": {"pii"}, "application:west/mailer": {"pii"}},
}

// reported is a world of some untidy topics: customers is written by somebody whom nothing names, read by billing all
// along and by mailer for a while only, while nobody looks for a part; orders is read by mailer, which bears a tag
// itself; archive bears one and is used by nobody.
func reported(t *testing.T) *world {
	w := newWorld(t)
	customers, orders, archive := topic("customers"), topic("orders"), topic("archive")
	rules := []lineage.Permission{
		{Topic: "customers", Principal: "User:billing", Host: "*", Operation: "READ", Allowed: true},
		{Topic: "customers", Principal: "User:intern", Host: "*", Operation: "READ", Allowed: true},
		{Topic: "archive", Principal: "User:intern", Host: "*", Operation: "WRITE", Allowed: true},
		{Topic: "orders", Principal: "User:other", Host: "*", Operation: "READ", Allowed: true},
	}
	billing := lineage.Client{Group: "billing", Principal: "User:billing"}
	for n := 1; n <= 30; n++ {
		if n >= 21 && n <= 24 {
			w.observe("west", "all", n, missing("a broker did not answer"))
			continue
		}
		fill := []filling{
			w.moved(self(customers), lineage.NoEvidence, 100), w.moved(writes(customers, producer(1)), lineage.ProducerState, 100),
			w.moved(reads(customers, billing), lineage.GroupOffsets, 100), w.moved(self(archive), lineage.NoEvidence, 0),
			w.moved(reads(orders, group("mailer")), lineage.GroupOffsets, 7),
		}
		by := int64(0)
		if n >= 10 && n < 15 {
			by = 20
		}
		fill = append(fill, w.moved(reads(customers, group("mailer")), lineage.GroupOffsets, by))
		if n == 1 {
			fill = append(fill, facts(clusterFact(3), topicFact(customers), topicFact(orders), topicFact(archive)),
				facts(lineage.Fact{Key: lineage.FactKey{Source: "west", Kind: lineage.PermissionFacts}, Permission: &lineage.PermissionFact{Rules: rules}}))
		}
		w.observe("west", "all", n, fill...)
	}
	return w
}

func (w *world) reporter(of func() answer.Ledger) *answer.Answers {
	return answer.New(answer.Options{
		History: w.store, Identity: func() answer.Identity { return shopFiles }, Ledger: of, Now: func() time.Time { return round(31) },
		Clusters: []answer.ClusterConfig{{Source: "west", Name: "west", Environment: "west"}},
	})
}

func reportOf(t *testing.T, a *answer.Answers, in answer.Span, q answer.UsageQuestion) *answer.UsageReport {
	t.Helper()
	r, err := a.UsageReport(t.Context(), in, q)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// useLines writes a report's uses a line each.
func useLines(r *answer.UsageReport) string {
	var out []string
	for _, u := range r.Uses {
		does := "reads"
		if u.Write {
			does = "writes"
		}
		line := fmt.Sprintf("%s %s %s: %s", u.Node.ID, does, u.Topic.ID, countOf(u.Records))
		if u.AtLeast {
			line += " at least"
		}
		if !u.First.IsZero() {
			line += fmt.Sprintf(" %d-%d", int(u.First.Sub(midnight)/tick), int(u.Last.Sub(midnight)/tick))
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

func countOf(n *int64) string {
	if n == nil {
		return "not known"
	}
	return fmt.Sprint(*n)
}

func TestUsageReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := reported(t).reporter(nil)
		whole := answer.Between(round(1), round(20))
		const customers = "unidentified:west/customers writes topic:west/customers: 1900 1-20\napplication:west/billing reads topic:west/customers: 1900 1-20\napplication:west/mailer reads topic:west/customers: 100 9-14"
		const orders = "application:west/mailer reads topic:west/orders: 133 1-20"
		for _, x := range []struct {
			of     answer.ScopeKind
			name   string
			want   string
			topics string
		}{
			{answer.TopicScope, "topic:west/customers", customers, "topic:west/customers"},
			{answer.TagScope, "pii", customers + "\n" + orders, "topic:west/archive topic:west/customers"},
			{answer.OwnerScope, "crm", customers, "topic:west/customers"},
			{answer.OwnerScope, "finance", "application:west/billing reads topic:west/customers: 1900 1-20", ""},
			{answer.ApplicationScope, "application:west/mailer", "application:west/mailer reads topic:west/customers: 100 9-14\n" + orders, ""},
			{answer.ClusterScope, "west", customers + "\n" + orders, "topic:west/archive topic:west/customers topic:west/orders"},
			{answer.ClusterScope, string(west), customers + "\n" + orders, "topic:west/archive topic:west/customers topic:west/orders"},
			{answer.TagScope, "nobody bears it", "", ""},
		} {
			r := reportOf(t, a, whole, answer.UsageQuestion{Scope: answer.UsageScope{Of: x.of, Name: x.name}})
			if got := useLines(r); got != x.want {
				t.Errorf("%s %s:\n%s\nwant\n%s", x.of, x.name, got, x.want)
			}
			var topics []string
			for _, p := range r.Topics {
				topics = append(topics, p.ID)
			}
			if got := strings.Join(topics, " "); got != x.topics {
				t.Errorf("%s %s: topics %s, want %s", x.of, x.name, got, x.topics)
			}
			if !r.Coverage.Complete || r.Coverage.ObservedFraction != 1 {
				t.Errorf("%s %s: %+v, all of it was observed", x.of, x.name, r.Coverage)
			}
			if says := slices.ContainsFunc(r.Doubts(), func(s string) bool { return strings.Contains(s, "spelled otherwise") }); says != (x.want == "" && x.topics == "") {
				t.Errorf("%s %s: %q", x.of, x.name, r.Doubts())
			}
		}
	})
}

// TestUsageReportWhileNobodyLooked is of a window with a gap, and of one before anything is held: neither is whole.
func TestUsageReportWhileNobodyLooked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := reported(t).reporter(nil)
		q := answer.UsageQuestion{Scope: answer.UsageScope{Of: answer.TagScope, Name: "pii"}}
		r := reportOf(t, a, answer.Between(round(20), round(30)), q)
		if r.Coverage.Complete || len(r.Coverage.Held.Gaps) == 0 || r.Parts[0].Observed >= 1 {
			t.Errorf("%+v: nobody looked from round 20 to 24", r.Coverage)
		}
		r = reportOf(t, a, answer.Between(midnight.Add(-time.Hour), round(20)), q)
		if len(r.Parts) != 2 || r.Parts[0].Source != answer.Nobody || r.Parts[1].Source != answer.Held || r.Coverage.Complete || len(r.Uses) != 4 {
			t.Errorf("%+v %+v", r.Parts, r.Coverage)
		}
		r = reportOf(t, a, answer.Between(midnight.Add(-2*time.Hour), midnight.Add(-time.Hour)), q)
		if len(r.Parts) != 1 || r.Parts[0].Source != answer.Nobody || r.Coverage.ObservedFraction != 0 || r.Coverage.Complete || len(r.Coverage.Said) != 1 {
			t.Errorf("%+v %+v", r.Parts, r.Coverage)
		}
		if sum := r.Sum(); sum.Read.Records != nil || sum.Written.Records != nil {
			t.Errorf("%+v: of a time that nobody looked at nothing is known, and it is not zero", sum)
		}
		// Of a topic too, and of a program: whether they were there is not known, and that is no error in a report.
		for _, scope := range []answer.UsageScope{{Of: answer.TopicScope, Name: "topic:west/customers"}, {Of: answer.ApplicationScope, Name: "application:west/billing"}} {
			r = reportOf(t, a, answer.Between(round(21), round(24)), answer.UsageQuestion{Scope: scope})
			if r.Coverage.ObservedFraction != 0 || r.Coverage.Complete || len(r.Coverage.Held.Gaps) == 0 {
				t.Errorf("%+v: %+v", scope, r.Coverage)
			}
			r = reportOf(t, a, answer.Between(midnight.Add(-2*time.Hour), midnight.Add(-time.Hour)), answer.UsageQuestion{Scope: scope})
			if len(r.Uses) > 0 || r.Coverage.ObservedFraction != 0 || r.Coverage.Complete || len(r.Coverage.Said) != 1 {
				t.Errorf("%+v: %+v", scope, r.Coverage)
			}
		}
		_, err := a.UsageReport(t.Context(), answer.Between(round(1), round(20)), answer.UsageQuestion{Scope: answer.UsageScope{Of: answer.TopicScope, Name: "topic:west/custmers"}})
		if refused, ok := errors.AsType[*answer.RefusedError](err); !ok || refused.Reason != answer.Missing {
			t.Errorf("%v, of a topic that there is not", err)
		}
	})
}

func TestUsageReportPermissions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := reported(t).reporter(nil)
		lines := func(r *answer.UsageReport, unused bool) string {
			var out []string
			for _, p := range r.PermissionsThat(unused) {
				out = append(out, fmt.Sprintf("%s %s %s %d %s", p.Principal, p.Operation, p.Pattern(), p.Topics, map[bool]string{true: "not known"}[p.Used == nil]+truth(p.Used)))
			}
			return strings.Join(out, ", ")
		}
		r := reportOf(t, a, answer.Between(round(1), round(20)), answer.UsageQuestion{Scope: answer.UsageScope{Of: answer.TagScope, Name: "pii"}})
		const used = "User:billing READ LITERAL:customers 1 true"
		const unused = "User:intern WRITE LITERAL:archive 1 false, User:intern READ LITERAL:customers 1 not known, User:other READ LITERAL:orders 1 not known"
		if got := lines(r, false); got != used+", "+unused {
			t.Errorf("%s", got)
		}
		if got := lines(r, true); got != unused {
			t.Errorf("never used: %s", got)
		}
		r = reportOf(t, a, answer.Between(round(1), round(20)), answer.UsageQuestion{Scope: answer.UsageScope{Of: answer.ApplicationScope, Name: "application:west/billing"}})
		if got := lines(r, false); got != used {
			t.Errorf("of billing: %s", got)
		}
	})
}

func truth(b *bool) string {
	if b == nil {
		return ""
	}
	return fmt.Sprint(*b)
}

func TestUsageReportGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := reported(t).reporter(nil)
		for by, want := range map[answer.UsageGroupBy]string{
			answer.UsageNotGrouped:    "",
			answer.UsageByTopic:       "topic:west/archive 1/0/0 not known not known, topic:west/customers 1/1/2 1900 2000, topic:west/orders 1/0/1 not known 133",
			answer.UsageByApplication: "application:west/billing 1/0/1 not known 1900, application:west/mailer 2/0/1 not known 233, unidentified:west/customers 1/1/0 1900 not known",
			answer.UsageByOwner:       "finance 1/0/1 not known 1900, marketing 2/0/1 not known 233,  1/1/0 1900 not known",
			answer.UsageByCluster:     "west 2/1/2 1900 2133",
			answer.UsageByDay:         "2000-01-01 2/1/2 1900 2133",
		} {
			r := reportOf(t, a, answer.Between(round(1), round(20)), answer.UsageQuestion{Scope: answer.UsageScope{Of: answer.TagScope, Name: "pii"}, GroupBy: by})
			var got []string
			for _, g := range r.Groups {
				got = append(got, fmt.Sprintf("%s %d/%d/%d %s %s", g.Key, g.Topics, g.Writers, g.Readers, countOf(g.Written.Records), countOf(g.Read.Records)))
			}
			if strings.Join(got, ", ") != want {
				t.Errorf("%d: %s\nwant %s", by, strings.Join(got, ", "), want)
			}
		}
	})
}

// saidLedger is a ledger of hours, in each of which the same two read customers, and one of them writes invoices.
type saidLedger struct{ from, until time.Time }

func (l *saidLedger) Closed(context.Context, lineage.Window) (time.Time, time.Time, error) {
	return l.from, l.until, nil
}

func (l *saidLedger) Said(_ context.Context, w lineage.Window, wanted answer.Wanted, each func(*answer.SaidPeriod) error) error {
	for at := l.from; at.Before(l.until); at = at.Add(time.Hour) {
		p := &answer.SaidPeriod{
			Window: lineage.Window{Start: at, End: at.Add(time.Hour)}, Final: at.Add(48 * time.Hour),
			Observed: map[string]float64{"west": 0.5}, Gaps: []answer.SaidGap{{Cluster: "west", Source: "west/all", Window: lineage.Window{Start: at, End: at.Add(30 * time.Minute)}, Reason: "lineaged was not running"}},
		}
		if !w.Start.Before(p.Window.End) || !p.Window.Start.Before(w.End) {
			continue
		}
		invoices := answer.TopicUse{Topic: answer.PartyOf("topic:west/invoices", "", nil), Node: answer.PartyOf("application:west/billing", "", nil), Write: true, Active: new(true), Sealed: true}
		if wanted.Wants(&invoices) {
			p.Uses = append(p.Uses, answer.SaidUse{TopicUse: invoices})
		}
		for _, name := range []string{"billing", "gone"} {
			u := answer.TopicUse{
				Topic: answer.PartyOf("topic:west/customers", "crm", []string{"pii"}), Node: answer.PartyOf("application:west/"+name, "", nil), Active: new(true), Records: new(int64(1000)),
				First: at, Last: at.Add(time.Hour), Precision: time.Hour, Sealed: true, Evidence: []answer.UseEvidence{{Kind: lineage.GroupOffsets, Since: at}},
				Clients: []answer.UseClient{{Group: name}}, ClientCount: 1,
			}
			if wanted.Wants(&u) {
				p.Uses = append(p.Uses, answer.SaidUse{TopicUse: u})
			}
		}
		if err := each(p); err != nil {
			return err
		}
	}
	return nil
}

// TestUsageReportFromTheLedger goes back before what is held: the ledger speaks of that, once, and of the rest the
// store.
func TestUsageReportFromTheLedger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := reported(t)
		said := &saidLedger{midnight.Add(-2 * time.Hour), midnight.Add(time.Hour)}
		a := w.reporter(func() answer.Ledger { return said })
		q := answer.UsageQuestion{Scope: answer.UsageScope{Of: answer.TagScope, Name: "pii"}}
		r := reportOf(t, a, answer.Between(midnight.Add(-3*time.Hour), round(20)), q)
		sources := ""
		for i, p := range r.Parts {
			sources += fmt.Sprint(p.Source, p.Window.Start.Sub(midnight), p.Window.End.Sub(midnight), " ")
			if i > 0 && !p.Window.Start.Equal(r.Parts[i-1].Window.End) {
				t.Errorf("part %d does not begin where the one before ends: %+v", i, r.Parts)
			}
		}
		if len(r.Parts) != 3 || r.Parts[0].Source != answer.Nobody || r.Parts[1].Source != answer.Sealed || r.Parts[1].Periods != 2 || !r.Parts[1].Amendable || r.Parts[2].Source != answer.Held {
			t.Fatalf("%s", sources)
		}
		var got []string
		for _, u := range r.Uses {
			got = append(got, fmt.Sprintf("%s %s %t %t %.2f", u.Node.Name, countOf(u.Records), u.Held, u.Sealed, u.Observed))
		}
		// An hour of which nobody speaks, two of which half was observed, and 200 seconds of the store, all observed.
		if want := "customers 2000 true false 0.35, billing 4000 true true 0.35, gone 2000 false true 0.35, mailer 100 true false 0.35, mailer 140 true false 0.35"; strings.Join(got, ", ") != want {
			t.Errorf("%s\nwant %s", strings.Join(got, ", "), want)
		}
		if r.Coverage.Complete || len(r.Coverage.Said) != 3 {
			t.Errorf("%+v", r.Coverage)
		}
		q.Source = answer.Sealed
		r = reportOf(t, a, answer.Between(midnight.Add(-90*time.Minute), midnight.Add(-80*time.Minute)), q)
		if len(r.Uses) != 2 || !r.Parts[0].Window.Start.Equal(midnight.Add(-2*time.Hour)) || !r.Parts[0].Window.End.Equal(midnight.Add(-time.Hour)) {
			t.Errorf("%+v: a part of a period is the whole period", r.Parts)
		}
		if r.Unread == "" || r.Permissions != nil {
			t.Errorf("%q %v: the ledger has no access control entries", r.Unread, r.Permissions)
		}
		// Who asks one source alone is not told what the other has.
		for source, want := range map[answer.UsageSource]string{
			answer.AnySource: "neither the store nor the ledger has anything of this time",
			answer.Sealed:    "the ledger has no closed period of this time, and nobody else was asked",
			answer.Held:      "the store has nothing of this time, and nobody else was asked",
		} {
			q.Source = source
			r := reportOf(t, a, answer.Between(midnight.Add(-3*time.Hour), round(20)), q)
			if text := strings.Join(r.Doubts(), "\n"); !strings.Contains(text, " nothing is known: "+want) || r.Coverage.Said[len(r.Coverage.Said)-1].Reason != want && r.Coverage.Said[0].Reason != want {
				t.Errorf("%v: %+v in\n%s\nwant %s", source, r.Coverage.Said, text, want)
			}
		}
	})
}
