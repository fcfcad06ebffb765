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

// hubWorld is a program that writes so many topics, each of which one reads that writes what it reads: all of it
// stopped.
func hubWorld(t testing.TB, topics int) *world {
	w := newWorld(t)
	in := topic("in")
	for n := 1; n <= 3; n++ {
		fill := []filling{w.moved(self(in), lineage.NoEvidence, 10), w.moved(reads(in, group("hub")), lineage.GroupOffsets, 10)}
		for i := range topics {
			x, r := topic(fmt.Sprintf("t%05d", i)), group(fmt.Sprintf("r%05d", i))
			fill = append(fill, w.moved(self(x), lineage.NoEvidence, 1), w.moved(writes(x, group("hub")), lineage.Transaction, 1),
				w.moved(reads(x, r), lineage.GroupOffsets, 1), w.moved(writes(in, r), lineage.Transaction, 1))
		}
		w.observe("west", "all", n, append(fill, facts(clusterFact(topics)))...)
	}
	for n := 4; n <= 500; n++ {
		w.observe("west", "all", n)
	}
	time.Sleep(time.Until(round(500)))
	return w
}

// leavingContext ends after so many looks at it.
type leavingContext struct {
	context.Context
	looks, after int
}

func (c *leavingContext) Err() error {
	if c.looks++; c.looks > c.after {
		return context.Canceled
	}
	return nil
}

// Where all of an estate rests, who asks may leave, and each walk is bounded.
func TestFindingsOfAllAtRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const topics = 60
		w := hubWorld(t, topics)
		v := view(t, answers(w.store), answer.Between(round(1), round(500)), answer.All)
		found := findings(t, v, answer.FindingAsk{})
		if n := len(found.List); n == 0 {
			t.Fatal("nothing is found")
		}
		for _, x := range found.List {
			if x.Starves == nil || x.Starves.Count == 0 || x.Starves.Count > topics+1 {
				t.Errorf("%s starves %+v", x.ID, x.Starves)
			}
		}
		whole := &leavingContext{Context: t.Context(), after: 1 << 40}
		if _, err := v.Findings(whole, answer.FindingAsk{}); err != nil {
			t.Fatal(err)
		}
		// Each time that it looks whether somebody still asks, it ends when nobody does, soon.
		for after := range whole.looks {
			ctx := &leavingContext{Context: t.Context(), after: after}
			if _, err := v.Findings(ctx, answer.FindingAsk{}); !errors.Is(err, context.Canceled) {
				t.Errorf("after %d of %d looks it goes on: %v", after, whole.looks, err)
			}
		}
		if whole.looks < 20 { // 60 × 120 readers and writers are looked at
			t.Errorf("it looks %d times whether somebody still asks", whole.looks)
		}
	})
}

// A topic whose second writer pauses as it does is fed all the same, while it writes and between.
func TestWhoPausesFeeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, x := newWorld(t), topic("in")
		ended, hourly := writes(x, group("ended")), writes(x, group("hourly"))
		for n := 1; n <= 150; n++ {
			fill := []filling{w.moved(self(x), lineage.NoEvidence, 1), w.moved(reads(x, group("reader")), lineage.GroupOffsets, 1)}
			if n == 1 {
				fill = append(fill, facts(clusterFact(1), topicFact(x)))
			}
			if n <= 60 {
				fill = append(fill, w.moved(ended, lineage.Transaction, 1))
			}
			if n%40 == 1 {
				fill = append(fill, w.moved(hourly, lineage.Transaction, 1))
			}
			if n == 70 {
				fill = append(fill, happenedAt(60, lineage.Event{Type: lineage.FlowStopped, Access: ended, Detail: "nothing moved"}))
			}
			w.observe("west", "all", n, fill...)
		}
		time.Sleep(time.Until(round(150)) + time.Second)
		a := answers(w.store)
		for end := 80; end <= 150; end += 5 {
			found := findings(t, view(t, a, answer.Between(round(1), round(end)), answer.All), answer.FindingAsk{Kinds: []answer.FindingKind{answer.FindingStopped}})
			if len(found.List) != 1 || found.List[0].Starves == nil || found.List[0].Starves.Count != 0 {
				t.Errorf("at %d: %+v", end, found.List)
			}
		}
	})
}

// What a job reads that leads to none of its outputs, by what it says itself, starves the job and nobody beyond.
func TestWhatLeadsNowhereStarvesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		job := lineage.Node{Scope: "jobs", Kind: lineage.JobNode, Name: "join"}
		a, x, c := topic("a"), topic("x"), topic("c")
		by := func(topic lineage.Topic, op lineage.Op) lineage.Sighting {
			return lineage.Sighting{Access: lineage.Access{Topic: topic, Op: op, Client: lineage.Client{Mover: job}}, Evidence: lineage.OpenLineage, Moved: true}
		}
		end := func(t lineage.Topic) lineage.Node {
			return lineage.Node{Scope: string(t.Cluster), Kind: lineage.TopicNode, Name: t.Name}
		}
		ways := &lineage.WaysFact{Job: job, Ends: []lineage.Node{end(a), end(x), end(c)}, Ways: []lineage.JobWay{{From: -1, To: 2}, {From: 0, To: 2}}}
		w.observe("openlineage", "events", 1, func(o *lineage.Observation) {
			o.Sightings = append(o.Sightings, by(a, lineage.Read), by(x, lineage.Read), by(c, lineage.Write))
			o.Facts = append(o.Facts, lineage.Fact{Key: lineage.FactKey{Source: "openlineage", Kind: lineage.WaysFacts, Name: job.ID()}, Ways: ways})
		})
		wrote := map[string]lineage.Access{"a": writes(a, group("of-a")), "x": writes(x, group("of-x"))}
		for n := 1; n <= 150; n++ {
			var fill []filling
			switch n {
			case 1:
				fill = append(fill, facts(clusterFact(3), topicFact(a), topicFact(x), topicFact(c)))
			case 70:
				for _, stopped := range []lineage.Access{wrote["a"], wrote["x"], by(c, lineage.Write).Access} {
					fill = append(fill, happenedAt(60, lineage.Event{Type: lineage.FlowStopped, Access: stopped, Detail: "nothing moved"}))
				}
			}
			if n <= 60 {
				for name, access := range wrote {
					fill = append(fill, w.moved(self(topic(name)), lineage.NoEvidence, 1), w.moved(access, lineage.Transaction, 1))
				}
				fill = append(fill, w.moved(self(c), lineage.NoEvidence, 1), w.moved(reads(c, group("reader")), lineage.GroupOffsets, 1))
			}
			w.observe("west", "all", n, fill...)
		}
		time.Sleep(time.Until(round(150)) + time.Second)
		found := findings(t, view(t, answers(w.store), answer.Between(round(1), round(150)), answer.All), answer.FindingAsk{Kinds: []answer.FindingKind{answer.FindingStopped}})
		for name, want := range map[string]string{"of-a": "join, reader", "of-x": "join"} {
			i := slices.IndexFunc(found.List, func(f answer.Finding) bool { return f.Flow != nil && f.Flow.From.Name == name })
			if i < 0 {
				t.Fatalf("of %s nothing is found: %+v", name, found.List)
			}
			var starves []string
			for _, n := range found.List[i].Starves.Nearest {
				starves = append(starves, n.Name)
			}
			if got := strings.Join(starves, ", "); got != want {
				t.Errorf("%s starves %q, want %q", name, got, want)
			}
		}
	})
}
