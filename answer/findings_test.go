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

// wrong says findings as text, one a line: HARM STALLED orders->billing 80 starves mailer.
func wrong(found *answer.Findings) string {
	short := strings.NewReplacer("topic:west/", "", "application:west/", "", "unidentified:west/", "writers of ")
	var lines []string
	for _, x := range found.List {
		severity := [...]string{"", "HARM", "RISK", "CHANGE"}[x.Severity]
		line := severity + " " + short.Replace(x.ID)
		if !x.Since.IsZero() {
			line += fmt.Sprint(" ", int(x.Since.Sub(midnight)/tick))
		}
		if s := x.Starves; s != nil && s.Count > 0 {
			line += fmt.Sprint(" starves ", s.Count, " ", short.Replace(ids(s.Nearest)))
		}
		lines = append(lines, short.Replace(strings.ReplaceAll(line, "application:", "")))
	}
	if found.Unknown > 0 {
		lines = append(lines, fmt.Sprint(found.Unknown, " unknown"))
	}
	if found.Resting > 0 {
		lines = append(lines, fmt.Sprint(found.Resting, " resting"))
	}
	return strings.Join(lines, "\n")
}

func findings(t testing.TB, v *answer.View, ask answer.FindingAsk) *answer.Findings {
	t.Helper()
	found, err := v.Findings(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// chainWorld is a world in which somebody writes orders, billing reads them and writes invoices, and mailer reads
// those.
// What a round does not say goes on: moves are those that do.
type chainWorld struct {
	*world
	orders, invoices lineage.Topic
	lag              int64
}

func newChain(t testing.TB) *chainWorld {
	return &chainWorld{world: newWorld(t), orders: topic("orders"), invoices: topic("invoices")}
}

// goesOn says who moves in a round: o writes orders, b reads them, i writes invoices, m reads these.
func (c *chainWorld) goesOn(n int, who string, fill ...filling) {
	reader, writer, mailer := reads(c.orders, group("billing")), writes(c.invoices, group("billing")), reads(c.invoices, group("mailer"))
	by := func(letter string, n int64) int64 {
		if strings.Contains(who, letter) {
			return n
		}
		return 0
	}
	if n == 1 {
		fill = append(fill, facts(clusterFact(2), topicFact(c.orders), topicFact(c.invoices)))
	}
	c.lag += by("o", 100) - by("b", 100)
	c.observe("west", "all", n, append(fill,
		c.moved(self(c.orders), lineage.NoEvidence, by("o", 100)), c.moved(writes(c.orders, producer(1)), lineage.ProducerState, by("o", 100)),
		c.moved(reader, lineage.GroupOffsets, by("b", 100)), level(reader, lineage.Lag, c.lag), level(reader, lineage.Live, 1),
		c.moved(self(c.invoices), lineage.NoEvidence, by("i", 10)), c.moved(writer, lineage.Transaction, by("i", 10)),
		c.moved(mailer, lineage.GroupOffsets, by("m", 10)), level(mailer, lineage.Lag, 0), level(mailer, lineage.Live, 1))...)
}

func stoppedAt(at int, a lineage.Access) filling {
	return happenedAt(at, lineage.Event{Type: lineage.FlowStopped, Access: a})
}

func startedAt(at int, a lineage.Access) filling {
	return happenedAt(at, lineage.Event{Type: lineage.FlowStarted, Access: a})
}

// What is wrong or new is told with what it starves, and of what was not seen nothing is told.
func TestFindings(t *testing.T) {
	const last = 120
	orders, invoices := topic("orders"), topic("invoices")
	billing, mailer := reads(orders, group("billing")), reads(invoices, group("mailer"))
	invoicing := writes(invoices, group("billing"))
	for name, c := range map[string]struct {
		play func(c *chainWorld, n int)
		want string
	}{
		"all goes": {func(c *chainWorld, n int) { c.goesOn(n, "obim") }, ""},
		"a reader stalls, and what it writes rests with it": {func(c *chainWorld, n int) {
			who, fill := "obim", []filling{}
			if n > last-40 {
				who = "o"
			}
			if n == last-30 {
				fill = append(fill, stoppedAt(last-40, billing), stoppedAt(last-40, invoicing), stoppedAt(last-40, mailer))
			}
			c.goesOn(n, who, fill...)
		}, "HARM STALLED orders->billing 80 starves 1 mailer\nRISK STOPPED billing->invoices 80 starves 1 mailer"},
		"a reader stalls, and somebody else still writes what it wrote": {func(c *chainWorld, n int) {
			who, fill := "obim", []filling{}
			if n > last-40 {
				who = "om"
			}
			if n == last-30 {
				fill = append(fill, stoppedAt(last-40, billing), stoppedAt(last-40, invoicing))
			}
			c.goesOn(n, who, append(fill, c.moved(writes(c.invoices, group("other")), lineage.Transaction, 5))...)
		}, "HARM STALLED orders->billing 80\nCHANGE STOPPED billing->invoices 80 starves 0"},
		"a writer ends, and its readers have nothing to read": {func(c *chainWorld, n int) {
			who, fill := "obim", []filling{}
			if n > last-40 {
				who = ""
			}
			if n == last-30 {
				fill = append(fill, stoppedAt(last-40, writes(orders, producer(1))), stoppedAt(last-40, billing), stoppedAt(last-40, invoicing), stoppedAt(last-40, mailer))
			}
			c.goesOn(n, who, fill...)
		}, "RISK STOPPED writers of orders->orders 80 starves 2 billing mailer\nRISK STOPPED billing->invoices 80 starves 1 mailer"},
		"it falls behind, and what comes after it comes late": {func(c *chainWorld, n int) {
			c.goesOn(n, "oim", c.moved(billing, lineage.GroupOffsets, 50), func(o *lineage.Observation) { c.lag -= 50 })
			// its lag is told a round late, which does not matter to its trend
		}, "RISK FALLING_BEHIND orders->billing starves 1 mailer"},
		"records are gone before they are read": {func(c *chainWorld, n int) {
			var fill []filling
			if n == last-20 {
				fill = append(fill, happened(lineage.Event{Type: lineage.RecordsLost, Access: billing, Detail: "7 records"}))
			}
			c.goesOn(n, "obim", fill...)
		}, "HARM LOST orders->billing 100"},
		"nobody observes any more": {func(c *chainWorld, n int) {
			if n <= last-20 {
				c.goesOn(n, "obim")
			} else {
				c.observe("west", "all", n, missing("no broker answers"))
			}
		}, "RISK UNOBSERVED west no broker answers 100\n4 unknown"},
		"a round is missed": {func(c *chainWorld, n int) {
			if n == last || n == 60 {
				c.observe("west", "all", n, missing("no broker answers"))
			} else {
				c.goesOn(n, "obim")
			}
		}, ""},
		"a topic and a reader of it come": {func(c *chainWorld, n int) {
			var fill []filling
			refunds := topic("refunds")
			switch n {
			case last - 30:
				fill = append(fill, facts(topicFact(refunds)), happened(lineage.Event{Type: lineage.TopicCreated, Topic: refunds}))
			case last - 28:
				fill = append(fill, startedAt(n, reads(refunds, group("auditor"))), startedAt(n, writes(refunds, producer(7))))
			}
			if n >= last-30 {
				fill = append(fill, c.moved(self(refunds), lineage.NoEvidence, 3), c.moved(writes(refunds, producer(7)), lineage.ProducerState, 3), c.moved(reads(refunds, group("auditor")), lineage.GroupOffsets, 3))
			}
			c.goesOn(n, "obim", fill...)
		}, "CHANGE NEW auditor 92\nCHANGE NEW refunds 90"},
		"who was there reads another topic": {func(c *chainWorld, n int) {
			var fill []filling
			if n == last-30 {
				fill = append(fill, startedAt(n, reads(orders, group("mailer"))))
			}
			if n >= last-30 {
				fill = append(fill, c.moved(reads(orders, group("mailer")), lineage.GroupOffsets, 3))
			}
			c.goesOn(n, "obim", fill...)
		}, "CHANGE NEW orders->mailer 90"},
		"a group is deleted": {func(c *chainWorld, n int) {
			ref := &lineage.GroupFact{Ref: lineage.GroupRef{Cluster: west, Group: "billing"}, Type: "Classic", Protocol: "consumer", State: "Stable"}
			switch {
			case n == 1:
				c.goesOn(n, "obim", facts(groupFact(ref)))
			case n < last-30:
				c.goesOn(n, "obim")
			case n == last-30:
				c.goesOn(n, "o", facts(gone(groupFact(ref))), stoppedAt(n-1, billing), stoppedAt(n-1, invoicing))
			case n == last-20:
				c.goesOn(n, "o", stoppedAt(last-31, mailer))
			default:
				c.observe("west", "all", n, c.moved(self(c.orders), lineage.NoEvidence, 100), c.moved(writes(c.orders, producer(1)), lineage.ProducerState, 100))
			}
		}, "RISK GONE billing 90 starves 1 mailer"},
		"a topic is deleted": {func(c *chainWorld, n int) {
			switch {
			case n < last-30:
				c.goesOn(n, "obim")
			case n == last-30:
				c.goesOn(n, "ob", facts(gone(topicFact(invoices))), happened(lineage.Event{Type: lineage.TopicDeleted, Topic: invoices}))
			default:
				c.observe("west", "all", n, c.moved(self(c.orders), lineage.NoEvidence, 100), c.moved(writes(c.orders, producer(1)), lineage.ProducerState, 100),
					c.moved(billing, lineage.GroupOffsets, 100), level(billing, lineage.Lag, 0))
			}
		}, "RISK GONE invoices 90 starves 1 mailer"},
		"nobody is there for a reader since before anything is held": {func(c *chainWorld, n int) {
			old := reads(orders, group("old"))
			c.goesOn(n, "obim", c.moved(old, lineage.GroupOffsets, 0), sighted(old, lineage.GroupOffsets, ""), level(old, lineage.Lag, 5000), level(old, lineage.Live, 0))
		}, "CHANGE STOPPED orders->old"},
		"what moves in an internal topic": {func(c *chainWorld, n int) {
			books := topic("__books")
			own := topicFact(books)
			own.Topic.Internal = true
			var fill []filling
			if n == 1 {
				fill = append(fill, facts(own))
			}
			if n <= last-40 {
				fill = append(fill, c.moved(self(books), lineage.NoEvidence, 3), c.moved(reads(books, group("bookkeeper")), lineage.GroupOffsets, 3))
			}
			if n == last-30 {
				fill = append(fill, stoppedAt(last-40, reads(books, group("bookkeeper"))))
			}
			c.goesOn(n, "obim", append(fill, level(reads(books, group("bookkeeper")), lineage.Lag, 9))...)
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newChain(t)
				for n := 1; n <= last; n++ {
					c.play(w, n)
				}
				time.Sleep(time.Until(round(last)))
				v := view(t, answers(w.store), answer.Between(round(last-60), round(last)), answer.All)
				if got := wrong(findings(t, v, answer.FindingAsk{})); got != strings.ReplaceAll(c.want, " starves 0", "") {
					t.Errorf("got\n%s\nwant\n%s", got, c.want)
				}
			})
		})
	}
}

// That nothing is wrong where all was observed, and where nothing was, are two answers.
func TestNothingFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newChain(t)
		for n := 1; n <= 120; n++ {
			w.goesOn(n, "obim")
		}
		time.Sleep(time.Until(round(120)))
		a := answers(w.store)
		for _, c := range []struct {
			from, to int
			complete bool
		}{{60, 120, true}, {-200, -100, false}} {
			v := view(t, a, answer.Between(round(c.from), round(c.to)), answer.All)
			found := findings(t, v, answer.FindingAsk{})
			if cov := v.Coverage(); len(found.List) > 0 || cov.Complete != c.complete || (cov.ObservedFraction > 0) != c.complete {
				t.Errorf("from round %d: %s, complete %v, observed %v", c.from, wrong(found), cov.Complete, cov.ObservedFraction)
			}
		}
	})
}

// A job that rests as long as it did twice before is no finding, and one that does not come again is.
func TestFindingsOfNightlyJob(t *testing.T) {
	const day = int(24 * time.Hour / tick)
	orders := topic("orders")
	job := reads(orders, group("nightly"))
	// It runs from hour 2 to hour 3 of each of these days. Rounds are one an hour: silence is what matters here.
	for _, c := range []struct {
		nights, hour int // hours since the first midnight
		want         string
	}{
		{1, 27, "HARM STALLED orders->nightly 1080"}, // 24 hours later, one night was seen and no rest
		{2, 40, "HARM STALLED orders->nightly 9720"},
		{3, 64, "1 resting"},
		{3, 24 + 24 + 24 + 2, "1 resting"},
		{3, 24 + 24 + 24 + 9, "HARM STALLED orders->nightly 18360"},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			hourly := func(o *lineage.Observation) { o.Interval = time.Hour }
			for h := 1; h <= c.hour; h++ {
				n := h * day / 24
				fill := []filling{hourly, w.moved(self(orders), lineage.NoEvidence, 100), level(job, lineage.Lag, 5000), level(job, lineage.Live, 1)}
				if h == 1 {
					fill = append(fill, facts(clusterFact(1), topicFact(orders)), w.moved(job, lineage.GroupOffsets, 0))
				}
				if night := h / 24; night < c.nights {
					switch h % 24 {
					case 2:
						fill = append(fill, w.moved(job, lineage.GroupOffsets, 2400), startedAt(n, job))
					case 3:
						fill = append(fill, w.moved(job, lineage.GroupOffsets, 100))
					case 5:
						fill = append(fill, stoppedAt(n-2*day/24, job))
					}
				}
				w.observe("west", "all", n, fill...)
			}
			end := round(c.hour * day / 24)
			time.Sleep(time.Until(end))
			v := view(t, answers(w.store), answer.Between(end.Add(-10*time.Minute), end), answer.All)
			if got := wrong(findings(t, v, answer.FindingAsk{})); got != c.want {
				t.Errorf("%d nights, hour %d: got\n%s\nwant\n%s", c.nights, c.hour, got, c.want)
			}
		})
	}
}

// Findings are asked for by cluster, owner and kind, and the counts of kinds are of all.
func TestFindingsAskedFor(t *testing.T) {
	inShop(t, func(t *testing.T, a *answer.Answers, v *answer.View) {
		all := findings(t, v, answer.FindingAsk{})
		want := "RISK UNOBSERVED north it was never reached"
		if got := wrong(all); !strings.Contains(got, want) || !strings.Contains(got, "STOPPED orders->audit") || !strings.Contains(got, "GONE old") {
			t.Errorf("got\n%s", got)
		}
		if !slices.IsSortedFunc(all.List, func(a, b answer.Finding) int { return a.Compare(b.FindingPlace) }) {
			t.Error("not the worst first")
		}
		for _, c := range []struct {
			ask  answer.FindingAsk
			want int
		}{
			{answer.FindingAsk{Cluster: new("north")}, 1},
			{answer.FindingAsk{Cluster: new("east")}, 0},
			{answer.FindingAsk{Kinds: []answer.FindingKind{answer.FindingGone}}, 1},
			{answer.FindingAsk{Owner: new("TEAM-SHOP")}, 1},
			{answer.FindingAsk{Owner: new("nobody")}, 0},
		} {
			found := findings(t, v, c.ask)
			if len(found.List) != c.want {
				t.Errorf("%+v: got\n%s\nwant %d", c.ask, wrong(found), c.want)
			}
			if c.ask.Kinds != nil && found.ByKind[answer.FindingStopped] != all.ByKind[answer.FindingStopped] {
				t.Error("what is counted of other kinds hangs on the kinds that are asked for")
			}
		}
		if _, err := v.Findings(t.Context(), answer.FindingAsk{Cluster: new("moon")}); err == nil {
			t.Error("a cluster that nobody knows is answered for")
		}
	})
}
