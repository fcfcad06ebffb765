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

// look is a round of a source that looks each so many ticks: before its first one it saw the tick alone.
func look(ticks int) filling {
	return func(o *lineage.Observation) { o.Interval = time.Duration(ticks) * tick }
}

// All topics may come into sight in one look, as when a right is granted to who might describe none, or topics.include
// lets the first in: the source looked before, whatever it saw, and whatever else is watched. Before its own very first
// look there is nothing to take away: that is a gap.
func TestTopicsThatComeIntoSightTogether(t *testing.T) {
	const blind = "? ? ? ? ? 0 1.4 1.4 1.4 1.4 1.4 1.4"
	one := topic("one")
	writer := writes(one, producer(1))
	in := func(w *world, n int, more ...filling) {
		by := int64(14)
		if n == 6 {
			by, more = 0, append(more, facts(clusterFact(2), topicFact(one), topicFact(topic("other"))), w.moved(self(topic("other")), lineage.NoEvidence, 0))
		}
		w.observe("west", "end-offsets", n, append(more, w.moved(self(one), lineage.NoEvidence, by), w.moved(writer, lineage.ProducerState, by))...)
	}
	saysWho := func(w *world, n int, more ...filling) {
		if n == 1 {
			more = append(more, facts(clusterFact(0)))
		}
		if n < 6 {
			w.observe("west", "end-offsets", n, more...)
		} else {
			in(w, n, more...)
		}
	}
	for name, f := range map[string]struct {
		round         func(w *world, n int)
		rates         string
		rate, records string
		estimated     bool
	}{
		"the source saw none before": {func(w *world, n int) { saysWho(w, n) }, blind, "1.2", "84", true},
		"another cluster is watched too": {func(w *world, n int) {
			w.observe("east", "end-offsets", n, w.moved(lineage.Access{Topic: lineage.Topic{Cluster: "E", Name: "far"}}, lineage.NoEvidence, 10))
			saysWho(w, n)
		}, blind, "1.2", "84", true},
		"the source looked for the first time": {func(w *world, n int) {
			if n >= 6 {
				in(w, n)
			}
		}, blind, "1.2", "84", false},
		"so it did, and another cluster was watched": {func(w *world, n int) {
			w.observe("east", "end-offsets", n, w.moved(lineage.Access{Topic: lineage.Topic{Cluster: "E", Name: "far"}}, lineage.NoEvidence, 10))
			if n >= 6 {
				in(w, n)
			}
		}, blind, "1.2", "84", false},
		"it looks each third tick, and did so before": {func(w *world, n int) {
			switch {
			case n == 3:
				w.observe("west", "end-offsets", n, facts(clusterFact(0)))
			case n%3 == 0:
				in(w, n, look(3))
			}
		}, "? ? ? ? ? 0 0.4667 0.4667 0.4667 0.4667 0.4667 0.4667", "0.4", "28", true},
		"it looks each third tick, and did not before": {func(w *world, n int) {
			switch {
			case n == 6:
				in(w, n)
			case n > 6 && n%3 == 0:
				in(w, n, look(3))
			}
		}, "? ? ? ? ? 0 0.4667 0.4667 0.4667 0.4667 0.4667 0.4667", "0.4", "28", false},
		"it was away just before": {func(w *world, n int) {
			if n < 3 || n >= 6 {
				saysWho(w, n)
			}
		}, blind, "1.2", "84", true},
		"nobody tells what it grows by": {func(w *world, n int) {
			fill := []filling{w.moved(self(topic("old")), lineage.NoEvidence, 10)}
			if n == 1 {
				fill = append(fill, facts(clusterFact(1), topicFact(topic("old"))))
			}
			if n >= 6 {
				fill = append(fill, facts(topicFact(one)), level(self(one), lineage.LogBytes, int64(n)), w.moved(writer, lineage.ProducerState, int64(min(n-6, 1)*14)))
			}
			w.observe("west", "end-offsets", n, fill...)
		}, "0 0 0 0 0 0 1.4 1.4 1.4 1.4 1.4 1.4", "0.7", "84", false},
		"it is seen that they were made": {func(w *world, n int) {
			if n == 6 {
				saysWho(w, n, happened(lineage.Event{Type: lineage.TopicCreated, Topic: one}))
			} else {
				saysWho(w, n)
			}
		}, "0 0 0 0 0 0 1.4 1.4 1.4 1.4 1.4 1.4", "0.7", "84", false},
	} {
		w := newWorld(t)
		for n := 1; n <= 12; n++ {
			f.round(w, n)
		}
		v, step := view(t, answers(w.store), answer.Between(round(0), round(12)), answer.All), tick
		flow := lineage.Flow{From: unidentified("one"), To: topicNode("one")}
		is := v.Rows(nil, []lineage.Flow{flow}).Flow(flow)
		points, _, err := is.Series(t.Context(), answer.RecordRate, &step)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range points {
			if p.Value == nil {
				got = append(got, "?")
			} else {
				got = append(got, fmt.Sprintf("%.4g", *p.Value))
			}
		}
		if got := strings.Join(got, " "); got != f.rates {
			t.Errorf("%s: a series of %s, want %s", name, got, f.rates)
		}
		if rate, n := spell(is.RecordsPerSecond()), known(is.Records()); rate != f.rate || n != f.records || is.Estimated() != f.estimated {
			t.Errorf("%s: %s a second, %s records, estimated is %v; want %s, %s, %v", name, rate, n, is.Estimated(), f.rate, f.records, f.estimated)
		}
		if es := evidenceOf(t, is); len(es) != 1 || strings.Contains(es[0].Detail, "came into sight") != f.estimated {
			t.Errorf("%s: %+v", name, es)
		}
	}
}

// A mean is of the time in sight to the tick, also where the past is held coarser. There too a source's very first look
// has nothing before it, wherever in a step it was.
func TestMeansOfATopicInSightWhereThePastIsHeldCoarsely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		early, widened := topic("early"), topic("widened")
		const day, first, since = 8640, 9, 100
		for n := first; n <= 2*day+12; n++ {
			if n > 300 && n < 2*day {
				continue
			}
			fill := []filling{w.moved(self(early), lineage.NoEvidence, 10), w.moved(writes(early, producer(1)), lineage.ProducerState, 10)}
			switch {
			case n == first:
				fill = append(fill, facts(clusterFact(1), topicFact(early)))
			case n == since:
				fill = append(fill, facts(topicFact(widened)), w.moved(self(widened), lineage.NoEvidence, 0), w.moved(writes(widened, producer(1)), lineage.ProducerState, 0))
			case n > since:
				fill = append(fill, w.moved(self(widened), lineage.NoEvidence, 10), w.moved(writes(widened, producer(1)), lineage.ProducerState, 10))
			}
			w.observe("west", "end-offsets", n, fill...)
		}
		ask := func(step time.Duration) {
			for _, f := range []struct {
				name          string
				from, to      int
				rate, records string
				late          bool
			}{
				{"widened", 96, 102, "0.6666666666666666", "20", true}, // three ticks old
				{"widened", 60, 120, "0.9523809523809523", "200", true},
				{"widened", 102, 120, "1", "180", false},
				{"early", 6, 12, "", "", false}, // a minute of which not all was observed was not, by minutes
				{"early", 0, 60, "1", "520", false},
			} {
				flow := lineage.Flow{From: unidentified(f.name), To: topicNode(f.name)}
				v := view(t, answers(w.store), answer.Between(round(f.from), round(f.to)), answer.All)
				if v.Window().Step != step {
					t.Fatalf("%v is held by %s, want %s", v.Window(), v.Window().Step, step)
				}
				is := v.Rows(nil, []lineage.Flow{flow}).Flow(flow)
				if rate, n := spell(is.RecordsPerSecond()), known(is.Records()); f.rate != "" && (rate != f.rate || n != f.records || is.Estimated() != f.late) {
					t.Errorf("%s in %v: %s a second, %s records, estimated is %v; want %s, %s, %v", f.name, v.Window(), rate, n, is.Estimated(), f.rate, f.records, f.late)
				}
				if es := evidenceOf(t, is); len(es) != 1 || strings.Contains(es[0].Detail, "came into sight") != f.late {
					t.Errorf("%s in %v: %+v", f.name, v.Window(), es)
				}
			}
		}
		time.Sleep(time.Until(round(2*day + 12)))
		ask(tick)
		time.Sleep(time.Until(round(8 * day)))
		if err := w.store.Maintain(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
		ask(time.Minute)
	})
}
