package answer_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// inFigures writes a bucket as figures: "10 1.00" where ten records a second went into topics and all was observed, "-"
// for a rate that is not known, and what happened.
func inFigures(b answer.Bucket) string {
	rate := "-"
	if b.Rate != nil {
		rate = fmt.Sprintf("%.4g", *b.Rate)
	}
	out := fmt.Sprintf("%s %.2f", rate, b.Observed)
	for _, e := range b.Events {
		out += fmt.Sprintf(" %v:%d", e.Type, e.Count)
	}
	return out
}

// timelineWorld is two clusters, of which west rests for a while, was not observed for another, and lost single rounds;
// east came late.
func timelineWorld(t *testing.T) *answer.Answers {
	w := newWorld(t)
	orders, stock := topic("orders"), topic("stock")
	stock.Cluster = east
	w.observe("west", "ends", 1, facts(clusterFact(1), topicFact(orders)), w.moved(self(orders), lineage.NoEvidence, 0))
	for n := 2; n <= 120; n++ {
		recreated, changed := happened(lineage.Event{Type: lineage.TopicRecreated, Topic: orders}), happened(lineage.Event{Type: lineage.ConfigChanged, Topic: orders})
		switch {
		case n == 102 || n == 104:
			w.observe("west", "ends", n, w.moved(self(orders), lineage.NoEvidence, 100), changed)
		case n == 103:
			w.observe("west", "ends", n, w.moved(self(orders), lineage.NoEvidence, 100), recreated)
		case n > 40 && n <= 60: // nobody ran
		case n == 71: // one round is lost
			w.observe("west", "ends", n, missing("no broker answered"))
		case n > 12 && n <= 24: // it rests
			w.observe("west", "ends", n)
		default:
			w.observe("west", "ends", n, w.moved(self(orders), lineage.NoEvidence, 100))
		}
		if n == 91 {
			f := eastFact()
			w.observe("east", "ends", n, facts(f), w.moved(self(stock), lineage.NoEvidence, 0))
		}
		if n > 91 {
			w.observe("east", "ends", n, w.moved(self(stock), lineage.NoEvidence, 50))
		}
	}
	time.Sleep(120*tick + time.Second)
	return answer.New(answer.Options{History: w.store, Identity: everybody, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}, {Source: "east", Name: "east"}}})
}

// A timeline tells what rested from what nobody saw, and how much of a bucket was observed.
func TestTimelineTellsRestFromBlindness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := timelineWorld(t)
		f := func(from, to, buckets int, ask answer.TimelineAsk, want ...string) {
			t.Helper()
			ask.Buckets = buckets
			x, err := a.Timeline(t.Context(), answer.Between(round(from), round(to)), ask, answer.All)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, b := range x.Buckets {
				got = append(got, inFigures(b))
			}
			if strings.Join(got, "; ") != strings.Join(want, "; ") {
				t.Errorf("(%d, %d] of %+v by %s:\n%q, want\n%q", from, to, ask, x.Width, got, want)
			}
		}
		onlyWest, onlyEast := answer.TimelineAsk{Cluster: "west"}, answer.TimelineAsk{Cluster: "east"}
		of := func(ids ...string) (ask answer.TimelineAsk) {
			for _, id := range ids {
				n, err := lineage.ParseNodeID(id)
				if err != nil {
					t.Fatal(err)
				}
				ask.Roots = append(ask.Roots, n)
			}
			return ask
		}
		f(6, 36, 5, onlyWest, "10 1.00", "0 1.00", "0 1.00", "10 1.00", "10 1.00")
		f(36, 66, 5, onlyWest, "10 0.67", "- 0.00", "- 0.00", "- 0.00", "10 1.00")
		f(66, 78, 2, onlyWest, "10 0.83", "10 1.00")
		f(66, 78, 2, of("topic:west/orders"), "10 0.83", "10 1.00")
		// Round 102 is of the bucket that it ends.
		f(96, 108, 2, onlyWest, "10 1.00 CONFIG_CHANGED:1", "10 1.00 TOPIC_RECREATED:1 CONFIG_CHANGED:1")
		// Of both, half was observed until east came.
		f(84, 102, 3, answer.TimelineAsk{}, "10 0.50", "14.17 1.00", "15 1.00 CONFIG_CHANGED:1")
		f(84, 102, 3, onlyEast, "- 0.00", "4.167 1.00", "5 1.00")
		f(84, 102, 3, of("topic:east/stock"), "- 0.00", "4.167 1.00", "5 1.00")
		f(84, 102, 3, of("topic:west/orders", "topic:east/stock"), "10 0.50", "14.17 1.00", "15 1.00 CONFIG_CHANGED:1")
		// Whom nobody knows moved nothing that is known, and may be anywhere.
		f(84, 102, 3, of("topic:west/nothing"), "- 0.50", "- 1.00", "- 1.00")
		// Before the data, and after now.
		f(-12, 6, 3, onlyWest, "- 0.00", "- 0.00", "8.333 1.00")
		f(114, 132, 3, onlyWest, "10 1.00", "- 0.00", "- 0.00")
		// It is widened to whole buckets, so that they stay where they are while it moves on.
		f(7, 36, 5, onlyWest, "10 1.00", "0 1.00", "0 1.00", "10 1.00", "10 1.00")
		f(9, 39, 6, onlyWest, "10 1.00", "0 1.00", "0 1.00", "10 1.00", "10 1.00", "10 1.00")
	})
}

// However large the estate, a timeline is summed from so many series: those that moved most, and the others are
// counted.
func TestTimelineIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		const topics = 1500
		for n := 1; n <= 3; n++ {
			var fill []filling
			for i := range topics {
				by := int64(1)
				if i%500 == 7 {
					by = 1000
				}
				fill = append(fill, w.moved(self(topic(fmt.Sprintf("t%04d", i))), lineage.NoEvidence, by))
			}
			w.observe("west", "ends", n, append(fill, facts(clusterFact(topics)))...)
		}
		time.Sleep(3*tick + time.Second)
		a := answers(w.store)
		x, err := a.Timeline(t.Context(), answer.Between(round(-397), round(3)), answer.TimelineAsk{Buckets: answer.MostBuckets}, answer.All)
		if err != nil || len(x.Buckets) != answer.MostBuckets {
			t.Fatal(len(x.Buckets), err)
		}
		last := x.Buckets[len(x.Buckets)-1]
		// Three of 1000, and 997 of 1, in 10 s.
		if got := inFigures(last); x.Nodes != 1000 || x.LeftOut != topics-1000 || got != "399.7 1.00" {
			t.Errorf("%d topics and %d left out, %s", x.Nodes, x.LeftOut, got)
		}
		// One of several is of a tenth of the points: three of 1000, and 97 of 1.
		x, err = a.Timeline(t.Context(), answer.Between(round(-397), round(3)), answer.TimelineAsk{Buckets: answer.MostBuckets, Small: true}, answer.All)
		if err != nil || x.Nodes != 100 || x.LeftOut != topics-100 || inFigures(x.Buckets[len(x.Buckets)-1]) != "309.7 1.00" {
			t.Errorf("small: %d topics and %d left out, %s, %v", x.Nodes, x.LeftOut, inFigures(x.Buckets[len(x.Buckets)-1]), err)
		}
		for _, buckets := range []int{1, answer.MostBuckets + 1} {
			if _, err := a.Timeline(t.Context(), answer.Last(time.Hour), answer.TimelineAsk{Buckets: buckets}, answer.All); err == nil {
				t.Errorf("%d buckets are answered", buckets)
			}
		}
		for _, last := range []time.Duration{time.Second, time.Minute, 7 * time.Minute, 25 * time.Hour, 8 * 24 * time.Hour, 4000 * time.Hour, 9 * 366 * 24 * time.Hour} {
			for _, buckets := range []int{2, 3, 60, 400} {
				x, err := a.Timeline(t.Context(), answer.Last(last), answer.TimelineAsk{Buckets: buckets}, answer.All)
				if err != nil {
					t.Fatalf("%s in %d: %v", last, buckets, err)
				}
				if len(x.Buckets) > buckets || len(x.Buckets) == 0 {
					t.Errorf("%s in %d: %d buckets of %s", last, buckets, len(x.Buckets), x.Width)
				}
			}
		}
	})
}

// Gaps of several sources are one stretch where they are of one reason; what is short, what lies before the data and
// what has not come are told apart from what was lost.
func TestStretches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for n := 1; n <= 120; n++ {
			if n > 40 && n <= 60 {
				continue
			}
			for i, source := range []string{"ends", "groups", "sizes"} {
				if n <= 3*i || n == 70 && i != 0 || n > 100 && n <= 110 && i == 2 {
					continue // it begins later, is late once, and is lost for a while
				}
				w.observe("west", source, n)
			}
		}
		time.Sleep(120*tick + time.Second)
		a := answers(w.store)
		f := func(from, to int, want ...string) {
			t.Helper()
			v := view(t, a, answer.Between(round(from), round(to)), answer.All)
			var got []string
			all, err := v.Stretches(t.Context(), v.Coverage())
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range all {
				name := [...]string{"lost", "pause", "beginning", "before", "not yet"}[s.Kind]
				got = append(got, fmt.Sprintf("%s %d-%d of %d", name, s.Window.Start.Sub(midnight)/tick, s.Window.End.Sub(midnight)/tick, len(s.Sources)))
				if s.Reason == "" {
					t.Errorf("%s has no reason", got[len(got)-1])
				}
			}
			if strings.Join(got, "; ") != strings.Join(want, "; ") {
				t.Errorf("(%d, %d]:\n%q, want\n%q", from, to, got, want)
			}
		}
		f(10, 30)
		// A loss that an edge of the window cuts is as long as it is.
		f(59, 69, "lost 59-60 of 3")
		f(30, 41, "lost 40-41 of 3")
		f(109, 115, "lost 109-110 of 1")
		f(69, 80, "pause 69-70 of 2")
		f(-20, 30, "before -20-0 of 3", "beginning 0-6 of 2")
		f(-20, -10, "before -20--10 of 3")
		f(30, 90, "lost 40-60 of 3", "pause 69-70 of 2")
		f(95, 118, "lost 100-110 of 1")
		f(110, 130, "pause 120-120 of 3", "not yet 120-130 of 3")
	})
}
