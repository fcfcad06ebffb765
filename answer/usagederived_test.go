package answer_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// stopping is owned that says besides owners and tags who stops tags.
type stopping struct {
	owned
	stops map[string][]string
}

func (s *stopping) Says(n lineage.Node) map[lineage.Slot]lineage.Ruled {
	if t := s.stops[n.ID()]; t != nil {
		return map[lineage.Slot]lineage.Ruled{{Field: lineage.StopsField}: {Texts: t}}
	}
	return nil
}

// derivedWorld: customers bears pii; copier takes it to copied, from which lister takes it to listed; masker takes it
// to masked, and stops it where it is said to. orders is beside it, read by copier too.
func derivedWorld(t *testing.T) *world {
	w := newWorld(t)
	for n := 1; n <= 30; n++ {
		var fill []filling
		if n == 1 {
			fill = append(fill, facts(clusterFact(3)))
		}
		for _, name := range []string{"customers", "copied", "listed", "masked", "orders", "idle"} {
			by := int64(10)
			if name == "idle" {
				by = 0
			}
			if n == 1 {
				fill = append(fill, facts(topicFact(topic(name))))
			}
			fill = append(fill, w.moved(self(topic(name)), lineage.NoEvidence, by))
		}
		for _, x := range []struct{ reads, who, writes string }{{"customers", "copier", "copied"}, {"copied", "lister", "listed"}, {"customers", "masker", "masked"}} {
			fill = append(fill, w.moved(reads(topic(x.reads), group(x.who)), lineage.GroupOffsets, 10), w.moved(writes(topic(x.writes), group(x.who)), lineage.Telemetry, 10))
		}
		fill = append(fill, w.moved(reads(topic("orders"), group("copier")), lineage.GroupOffsets, 3), w.moved(writes(topic("customers"), group("shop")), lineage.Telemetry, 10))
		w.observe("west", "all", n, fill...)
	}
	return w
}

// derivedLines writes a report's uses, and of those that are derived the way.
func derivedLines(r *answer.UsageReport) string {
	var out []string
	for i := range r.Uses {
		u := &r.Uses[i]
		line := u.Node.Name + " " + map[bool]string{true: "writes ", false: "reads "}[u.Write] + u.Topic.Name + " " + countOf(u.Records)
		if u.Derived {
			var names []string
			for _, n := range u.Topic.Way {
				names = append(names, n.Name)
			}
			line += " by " + strings.Join(names, " > ")
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

func TestUsageReportFollowsTags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := derivedWorld(t)
		who := &stopping{owned{tags: map[string][]string{"topic:west/customers": {"pii"}}}, nil}
		said := &saidLedger{midnight.Add(-2 * time.Hour), midnight}
		var ledger answer.Ledger
		asked := func(in answer.Span, q answer.UsageQuestion) *answer.UsageReport {
			t.Helper()
			return reportOf(t, answer.New(answer.Options{
				History: w.store, Identity: func() answer.Identity { return who }, Ledger: func() answer.Ledger { return ledger }, Now: func() time.Time { return round(31) },
				Clusters: []answer.ClusterConfig{{Source: "west", Name: "west", Environment: "west"}},
			}), in, q)
		}
		in, q := answer.Between(round(1), round(21)), answer.UsageQuestion{Scope: answer.UsageScope{Of: answer.TagScope, Name: "pii"}}
		expect := func(r *answer.UsageReport, want ...string) {
			t.Helper()
			if got := derivedLines(r); got != strings.Join(want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
			}
		}
		borne := []string{"shop writes customers 200", "copier reads customers 200", "masker reads customers 200"}
		derived := []string{
			"copier writes copied 200 by customers > copier > copied", "lister reads copied 200 by customers > copier > copied",
			"lister writes listed 200 by customers > copier > copied > lister > listed",
		}
		masked := "masker writes masked 200 by customers > masker > masked"
		// By id: copied, customers, listed, masked.
		all := slices.Concat(derived[:2], borne, derived[2:])

		r := asked(in, q)
		expect(r, append(all, masked)...)
		if sum, apart := r.Sum(), r.SumDerived(); t.Failed() || *sum.Written.Records != 200 || *sum.Read.Records != 400 || apart == nil || *apart.Written.Records != 600 || *apart.Read.Records != 200 || sum.Topics != 1 || apart.Topics != 3 {
			t.Errorf("%+v and %+v", sum, apart)
		}
		for by, want := range map[answer.UsageGroupBy]string{
			answer.UsageByTopic:       "topic:west/copied true 1/1, topic:west/customers false 1/2, topic:west/listed true 1/0, topic:west/masked true 1/0",
			answer.UsageByApplication: "application:west/copier false 0/1, application:west/copier true 1/0, application:west/lister true 1/1, application:west/masker false 0/1, application:west/masker true 1/0, application:west/shop false 1/0",
			answer.UsageByDay:         "2000-01-01 false 1/2, 2000-01-01 true 3/1",
		} {
			grouped := q
			grouped.GroupBy = by
			var got []string
			for _, g := range asked(in, grouped).Groups {
				got = append(got, fmt.Sprintf("%s %t %d/%d", g.Key, g.Derived, g.Writers, g.Readers))
			}
			if strings.Join(got, ", ") != want {
				t.Errorf("%s\nwant %s", strings.Join(got, ", "), want)
			}
		}

		// Who stops it has it no further; an argument leaves out what is derived, and the report says so.
		who.stops = map[string][]string{"application:west/masker": {"pii"}}
		expect(asked(in, q), all...)
		q.BearersOnly = true
		r = asked(in, q)
		expect(r, borne...)
		if r.SumDerived() != nil || !slices.ContainsFunc(r.Doubts(), func(s string) bool { return strings.HasPrefix(s, "as asked, topics are left out") }) {
			t.Errorf("%+v %q", r.SumDerived(), r.Doubts())
		}
		q.BearersOnly = false

		// A topic that bears it itself is not derived; what comes on has the shorter way from there.
		who.tags["topic:west/copied"] = []string{"pii"}
		expect(asked(in, q), "copier writes copied 200", "lister reads copied 200", borne[0], borne[1], borne[2], "lister writes listed 200 by copied > lister > listed")
		delete(who.tags, "topic:west/copied")

		// The ledger does not say who stops a tag: of its time what is derived is left out, and the rest is a least.
		ledger = said
		r = asked(answer.Between(midnight.Add(-2*time.Hour), round(21)), q)
		if !slices.ContainsFunc(r.Doubts(), func(s string) bool { return strings.Contains(s, "the ledger does not say who passed it on") }) {
			t.Errorf("%q", r.Doubts())
		}
		for i := range r.Uses {
			if u := &r.Uses[i]; u.Derived && (!u.AtLeast || u.Observed > 0.1 || u.Sealed) {
				t.Errorf("%+v: of two hours nothing derived is said", u)
			}
		}
		q.Source = answer.Sealed
		if r = asked(answer.Between(midnight.Add(-2*time.Hour), midnight), q); r.SumDerived() != nil || len(r.Uses) == 0 {
			t.Errorf("%+v: what is derived is not known, which is not nothing", r.SumDerived())
		}
	})
}

// TestRegisterFollowsTags has who handles what is derived, marked, and counted apart.
func TestRegisterFollowsTags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := derivedWorld(t)
		who := &stopping{owned{tags: map[string][]string{"topic:west/customers": {"pii"}}}, map[string][]string{"application:west/masker": {"*"}}}
		a := answer.New(answer.Options{
			History: w.store, Identity: func() answer.Identity { return who }, Now: func() time.Time { return round(31) },
			Clusters: []answer.ClusterConfig{{Source: "west", Name: "west", Environment: "west"}},
		})
		for _, bearersOnly := range []bool{false, true} {
			r, err := a.Register(t.Context(), answer.Between(round(1), round(21)), "pii", answer.AnySource, bearersOnly)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for i := range r.Rows {
				row := &r.Rows[i]
				line := fmt.Sprintf("%s %s %t", row.Use.Node.Name, row.Use.Topic.Name, row.Derived())
				for _, p := range row.Places {
					line += fmt.Sprintf(" %s %t %t", p.Node.Name, p.Tagged, p.Node.Way != nil)
				}
				got = append(got, line)
			}
			want := []string{
				"copier copied true customers true false orders false false", "lister copied true listed false true", "shop customers false",
				"copier customers false copied false true", "masker customers false masked false false", "lister listed true copied false true",
			}
			topics, derived := "copied customers listed", 2
			if bearersOnly {
				want = []string{"shop customers false", "copier customers false copied false false", "masker customers false masked false false"}
				topics, derived = "customers", 0
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			var names []string
			for _, x := range r.Topics {
				names = append(names, x.Topic.Name)
			}
			if strings.Join(names, " ") != topics || r.DerivedTopics() != derived {
				t.Errorf("%v, %d derived", names, r.DerivedTopics())
			}
		}
	})
}
