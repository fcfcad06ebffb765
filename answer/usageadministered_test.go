package answer_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// allowed tells that somebody was allowed to administer something; without a topic it is the cluster's.
func (w *world) allowed(n int, who string, use lineage.AdministeredUse, of lineage.Topic) {
	e := lineage.Event{At: round(n), Type: lineage.Administered, Topic: of, Detail: use.Detail()}
	e.Access.Topic.Cluster, e.Access.Client = west, lineage.Client{Principal: who, Host: "10.0.0.7"}
	w.observe("west", "logs", n, func(o *lineage.Observation) { o.Events = append(o.Events, e) })
}

// administeringLedger says in each hour that one was let in to customers in its 30th minute, and one to the cluster.
type administeringLedger struct{ saidLedger }

func (l *administeringLedger) Said(ctx context.Context, w lineage.Window, wanted answer.Wanted, each func(*answer.SaidPeriod) error) error {
	return l.saidLedger.Said(ctx, w, wanted, func(p *answer.SaidPeriod) error {
		customers := answer.PartyOf("topic:west/customers", "", nil)
		use := lineage.AdministeredUse{Operation: "ALTER_CONFIGS", Resource: "Topic", Name: "customers", Times: 1}
		at := p.Window.Start.Add(30 * time.Minute)
		p.Administered = []answer.UsageAdministered{
			{AdministeredUse: use, At: at, Cluster: "west", Topic: &customers, Principal: "(erased)", Sealed: true},
			{AdministeredUse: lineage.AdministeredUse{Operation: "ALTER", Resource: "Cluster", Name: "kafka-cluster", Times: 1}, At: at, Cluster: "west", Principal: "User:root", Sealed: true},
		}
		return each(p)
	})
}

func administeredLines(r *answer.UsageReport) string {
	var out []string
	for _, x := range r.Administered.List {
		out = append(out, fmt.Sprintf("%s %s %s %t", x.Principal, x.Operation, x.Name, x.Sealed))
	}
	return strings.Join(out, ", ")
}

// TestReportOfWhoAdministered holds who is in a report of which scope, by the store and by the ledger, each once, and
// that nobody is another answer where nothing tells it.
func TestReportOfWhoAdministered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := reported(t)
		customers, orders := topic("customers"), topic("orders")
		w.allowed(5, "User:ann", lineage.AdministeredUse{Operation: "DELETE", Resource: "Topic", Name: "customers", Times: 2}, customers)
		w.allowed(6, "User:bob", lineage.AdministeredUse{Operation: "CREATE", Resource: "Topic", Name: "orders", Times: 1}, orders)
		w.allowed(7, "User:cat", lineage.AdministeredUse{Operation: "ALTER", Resource: "Cluster", Name: "kafka-cluster", Times: 1}, lineage.Topic{})
		w.allowed(8, "", lineage.AdministeredUse{Name: "west", Times: 40}, lineage.Topic{})
		w.allowed(25, "User:late", lineage.AdministeredUse{Operation: "DELETE", Resource: "Topic", Name: "customers", Times: 1}, customers)
		reporter := func(of func() answer.Ledger) *answer.Answers {
			return answer.New(answer.Options{
				History: w.store, Identity: func() answer.Identity { return shopFiles }, Ledger: of, Now: func() time.Time { return round(31) },
				Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}},
			})
		}
		ask := func(a *answer.Answers, in answer.Span, of answer.ScopeKind, name string) *answer.UsageReport {
			return reportOf(t, a, in, answer.UsageQuestion{Scope: answer.UsageScope{Of: of, Name: name}})
		}
		whole := answer.Between(round(1), round(20))
		const ann, bob = "User:ann DELETE customers false", "User:bob CREATE orders false"
		for _, told := range []bool{false, true} {
			for n := 1; told && n <= 20; n++ {
				w.observe("west", "log-files", n)
			}
			a := reporter(nil)
			for _, x := range []struct {
				of         answer.ScopeKind
				name, want string
			}{
				{answer.TopicScope, "topic:west/customers", ann},
				{answer.TopicScope, "topic:west/archive", ""},
				{answer.TagScope, "pii", ann},
				{answer.OwnerScope, "crm", ann},
				{answer.OwnerScope, "finance", ""},
				{answer.ApplicationScope, "application:west/mailer", ""},
				{answer.ClusterScope, "west", ann + ", " + bob + ", User:cat ALTER kafka-cluster false,   west false"},
			} {
				r := ask(a, whole, x.of, x.name)
				if got := administeredLines(r); got != x.want {
					t.Errorf("%s %s: %s, not %s", x.of, x.name, got, x.want)
				}
				doubts := strings.Join(r.Doubts(), "\n")
				// An empty list says nothing where it is not told to what more were let in: it may have been this.
				if asked := x.of != answer.ApplicationScope; r.Administered.Known != (asked && x.want != "") || strings.Contains(doubts, "who administered is not told of west") != (asked && !told) {
					t.Errorf("%s %s, told %t: known %t, %s", x.of, x.name, told, r.Administered.Known, doubts)
				}
				if unnamed := x.of != answer.ApplicationScope && x.of != answer.ClusterScope; strings.Contains(doubts, "40 more were allowed") != unnamed {
					t.Errorf("%s %s: %s", x.of, x.name, doubts)
				}
			}
		}
		if r := ask(reporter(nil), answer.Between(round(9), round(20)), answer.TopicScope, "topic:west/archive"); !r.Administered.Known || len(r.Administered.List) != 0 {
			t.Errorf("%+v: it was told all along, and nobody was let in", r.Administered)
		}
		said := &administeringLedger{saidLedger{midnight.Add(-2 * time.Hour), midnight.Add(time.Hour)}}
		a := reporter(func() answer.Ledger { return said })
		for _, x := range []struct {
			of         answer.ScopeKind
			name, want string
		}{
			{answer.TagScope, "pii", "(erased) ALTER_CONFIGS customers true, (erased) ALTER_CONFIGS customers true, " + ann},
			{answer.TopicScope, "topic:west/orders", bob},
			{answer.ApplicationScope, "application:west/mailer", ""},
		} {
			if got := administeredLines(ask(a, answer.Between(midnight.Add(-3*time.Hour), round(20)), x.of, x.name)); got != x.want {
				t.Errorf("with the ledger, %s %s: %s, not %s", x.of, x.name, got, x.want)
			}
		}
		// a period is told of as a whole, and who administered only within the window
		if got := administeredLines(ask(a, answer.Between(midnight.Add(-80*time.Minute), midnight.Add(-70*time.Minute)), answer.ClusterScope, "west")); got != "" {
			t.Errorf("beside the window: %s", got)
		}
	})
}
