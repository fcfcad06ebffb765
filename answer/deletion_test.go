package answer_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// old is a topic that was there before the window and holds so many records, watched from the first round to the 20th.
type old struct {
	topic    lineage.Topic
	fact     lineage.Fact
	retained int64
	silent   map[int]bool                    // rounds that nobody takes
	fill     func(w *world, n int) []filling // of each round
	facts    []lineage.Fact
	last     int // the last round; 0: the 20th
}

// advise watches the topic and asks for the last fifteen rounds.
func (o old) advise(t *testing.T, opts ...func(*answer.Options)) *answer.Deletion {
	t.Helper()
	w := newWorld(t)
	if o.topic == (lineage.Topic{}) {
		o.topic = topic("orders")
	}
	if o.fact.Topic == nil {
		o.fact = topicFact(o.topic)
	}
	last := 20
	if o.last > 0 {
		last = o.last
	}
	for n := 1; n <= last; n++ {
		if o.silent[n] {
			continue
		}
		fill := []filling{w.moved(self(o.topic), lineage.NoEvidence, 0), level(self(o.topic), lineage.Retained, o.retained)}
		if n == 1 {
			fill = append(fill, facts(clusterFact(1), o.fact), facts(o.facts...))
		}
		if o.fill != nil {
			fill = append(fill, o.fill(w, n)...)
		}
		w.observe("west", "all", n, fill...)
	}
	asked := answer.Options{History: w.store, Identity: everybody, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}}}
	for _, opt := range opts {
		opt(&asked)
	}
	d, err := view(t, answer.New(asked), answer.Between(round(5), round(20)), answer.All).Deletion(t.Context(), topicNode(o.topic.Name))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

var (
	verdicts = []string{"", "SAFE", "CANNOT BE TOLD", "UNSAFE"}
	againsts = []string{"", "written", "read", "subscribed", "let in", "committed", "configured", "replicated", "declared", "internal", "table", "new"}
	untolds  = []string{"", "before data", "first seen", "gaps", "source off", "out of sight", "records", "flow", "declarations"}
)

func saidOf(d *answer.Deletion) string {
	out := verdicts[d.Verdict()]
	for _, r := range d.Against {
		out += ", " + againsts[r.Kind]
		if r.Flow != nil {
			out += " " + r.Flow.From.Name + ">" + r.Flow.To.Name
		}
	}
	for _, u := range d.Untold {
		out += "; " + untolds[u.Kind]
	}
	return out
}

// once does something in one round.
func once(at int, f func(*world) filling) func(*world, int) []filling {
	return func(w *world, n int) []filling {
		if n == at {
			return []filling{f(w)}
		}
		return nil
	}
}

func TestDeletion(t *testing.T) {
	x := topic("orders")
	compacted := topicFact(x)
	compacted.Topic.Configs = []lineage.Config{{Name: "cleanup.policy", Value: "compact,delete"}}
	byDefault := topicFact(x)
	byDefault.Topic.Retention = &lineage.Retention{Policy: "compact", Millis: -1, Bytes: -1}
	hidden := topicFact(x)
	hidden.Topic.Unseen = "no longer permitted"
	sink, copier := lineage.Node{Scope: "connect", Kind: lineage.ConnectorNode, Name: "sink"}, lineage.Node{Scope: "east", Kind: lineage.ReplicatorNode, Name: "west->east"}
	blind := func(what string) lineage.Fact {
		return lineage.Fact{Key: lineage.FactKey{Source: "west", Kind: lineage.BlindSpotFacts, Name: "groups"}, BlindSpots: []lineage.BlindSpot{{Source: "west/groups", What: what}}}
	}
	source := func(name string, s lineage.SourceState) lineage.Fact {
		return lineage.Fact{Key: lineage.FactKey{Source: "west", Kind: lineage.SourceFacts, Name: name}, Source: &lineage.SourceFact{State: s, Interval: tick, Reason: "no_groups is set"}}
	}
	reader := reads(x, group("billing"))
	for name, c := range map[string]struct {
		old
		want string
	}{
		"nobody, and it is empty":      {old{}, "SAFE"},
		"it holds records":             {old{retained: 3}, "CANNOT BE TOLD; records"},
		"how many it holds is unknown": {old{retained: lineage.Unknown}, "CANNOT BE TOLD; records"},
		"a table":                      {old{retained: 3, fact: compacted}, "UNSAFE, table"},
		"a table by the default":       {old{retained: 3, fact: byDefault}, "UNSAFE, table"},
		"a table that is empty":        {old{fact: compacted}, "SAFE"},
		"written": {
			old{fill: once(9, func(w *world) filling { return w.moved(writes(x, producer(1)), lineage.ProducerState, 5) })},
			"UNSAFE, written orders>orders",
		},
		"it grew, by nobody":      {old{fill: once(9, func(w *world) filling { return w.moved(self(x), lineage.NoEvidence, 5) })}, "UNSAFE, written"},
		"written before the days": {old{fill: once(3, func(w *world) filling { return w.moved(writes(x, producer(1)), lineage.ProducerState, 5) })}, "SAFE"},
		"read":                    {old{fill: once(9, func(w *world) filling { return w.moved(reader, lineage.GroupOffsets, 5) })}, "UNSAFE, read orders>billing"},
		"a group left a position": {old{fill: once(2, func(w *world) filling { return w.moved(reader, lineage.GroupOffsets, 5) })}, "UNSAFE, committed orders>billing"},
		"a silent subscriber": {old{fill: func(_ *world, n int) []filling {
			if n == 2 {
				return []filling{sighted(reader, lineage.GroupMembership, ""), level(reader, lineage.Live, 1)}
			}
			return []filling{level(reader, lineage.Live, 1)}
		}}, "UNSAFE, subscribed orders>billing"},
		"a member has it assigned": {old{fill: once(9, func(*world) filling { return sighted(reader, lineage.GroupMembership, "") })}, "UNSAFE, subscribed orders>billing"},
		"a grant was used": {old{fill: once(9, func(*world) filling {
			return sighted(reads(x, lineage.Client{Principal: "User:eve"}), lineage.AuthorizerLog, "")
		})}, "UNSAFE, let in orders>orders"},
		"a sink that is configured": {
			old{fill: once(1, func(*world) filling { return sighted(reads(nameOnly(x), by(sink)), lineage.Connect, "") })},
			"UNSAFE, configured orders>sink",
		},
		"a replicator": {
			old{fill: once(1, func(*world) filling { return sighted(reads(nameOnly(x), by(copier)), lineage.Mirror, "") })},
			"UNSAFE, replicated orders>west->east",
		},
		"out of sight":                {old{fact: hidden}, "CANNOT BE TOLD; out of sight"},
		"a gap":                       {old{silent: map[int]bool{11: true, 12: true, 13: true}}, "CANNOT BE TOLD; gaps"},
		"a gap before the days":       {old{silent: map[int]bool{2: true, 3: true}}, "SAFE"},
		"the end was not observed":    {old{last: 17}, "CANNOT BE TOLD; flow; records; gaps"},
		"groups may not be described": {old{facts: []lineage.Fact{blind(lineage.GroupsNotListed)}}, "CANNOT BE TOLD; out of sight"},
		"readers without a group":     {old{facts: []lineage.Fact{blind("readers without a group leave no trace")}}, "SAFE"},
		"groups are off":              {old{facts: []lineage.Fact{source("groups", lineage.SourceOff)}}, "CANNOT BE TOLD; source off"},
		"the log is off":              {old{facts: []lineage.Fact{source("log-files", lineage.SourceOff)}}, "SAFE"},
		"groups are on":               {old{facts: []lineage.Fact{source("all", lineage.SourceExpected)}}, "SAFE"},
		"the books of Kafka":          {old{topic: topic("__consumer_offsets")}, "UNSAFE, internal"},
		"created": {
			old{fill: once(9, func(*world) filling { return happened(lineage.Event{Type: lineage.TopicCreated, Topic: x}) })},
			"UNSAFE, new",
		},
		"created before the days": {
			old{fill: once(3, func(*world) filling { return happened(lineage.Event{Type: lineage.TopicCreated, Topic: x}) })},
			"SAFE",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := saidOf(c.advise(t)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// A topic that is watched for less than the days, and data that is held for less, are different doubts.
func TestDeletionOfTheYoung(t *testing.T) {
	w := newWorld(t)
	x, late := topic("orders"), topic("late")
	for n := 1; n <= 20; n++ {
		fill := []filling{w.moved(self(x), lineage.NoEvidence, 0), level(self(x), lineage.Retained, 0)}
		if n == 1 {
			fill = append(fill, facts(clusterFact(2), topicFact(x)))
		}
		if n == 10 {
			fill = append(fill, facts(topicFact(late)))
		}
		if n >= 10 {
			fill = append(fill, w.moved(self(late), lineage.NoEvidence, 0), level(self(late), lineage.Retained, 0))
		}
		w.observe("west", "all", n, fill...)
	}
	for _, c := range []struct {
		name  string
		from  int
		topic string
		want  string
		since int
	}{
		{"first seen within them", 5, "late", "CANNOT BE TOLD; first seen", 9},
		{"seen before them", 12, "late", "SAFE", 9},
		{"they begin before all data", -5, "orders", "CANNOT BE TOLD; before data", 0},
	} {
		d, err := view(t, answers(w.store), answer.Between(round(c.from), round(20)), answer.All).Deletion(t.Context(), topicNode(c.topic))
		if err != nil {
			t.Fatal(err)
		}
		if got := saidOf(d); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
		if at := d.WatchedSince; at.Sub(round(c.since)).Abs() > tick {
			t.Errorf("%s: watched since %s, want about %s", c.name, at, round(c.since))
		}
	}
}

// What is against it says when it was seen last, and by which evidence.
func TestDeletionIsDated(t *testing.T) {
	x := topic("orders")
	d := old{fill: func(w *world, n int) []filling {
		switch n {
		case 2:
			return []filling{w.moved(reads(x, group("old")), lineage.GroupOffsets, 1)}
		case 9:
			return []filling{w.moved(reads(x, group("billing")), lineage.GroupOffsets, 1)}
		case 12:
			return []filling{w.moved(writes(x, producer(1)), lineage.ProducerState, 1)}
		}
		return nil
	}}.advise(t)
	var got []string
	for _, r := range d.Against {
		got = append(got, fmt.Sprintf("%s %d %v", againsts[r.Kind], int(r.LastSeen.Sub(midnight)/tick), r.Evidence))
	}
	want := "[written 12 [PRODUCER_STATE] read 9 [GROUP_OFFSETS] committed 2 [GROUP_OFFSETS]]"
	if fmt.Sprint(got) != want || !d.LastWritten.Equal(round(12)) || !d.LastRead.Equal(round(9)) {
		t.Errorf("got %s, last written %s, read %s", got, d.LastWritten, d.LastRead)
	}
}

// Whatever is declared to use it is against it, and what can't be placed is a doubt.
func TestDeletionOfTheDeclared(t *testing.T) {
	said := lineage.Said{File: "flows.yaml", Line: 7}
	app := &lineage.DeclaredApplication{Said: said, Name: "billing"}
	of := func(topic, server string) *lineage.Declarations {
		return &lineage.Declarations{Flows: []lineage.DeclaredFlow{{
			Said: said, Application: app, Op: lineage.Read, Topic: lineage.DeclaredTopic{Text: topic}, Servers: []lineage.DeclaredServer{{Name: server}},
		}}}
	}
	for name, c := range map[string]struct {
		is   *lineage.Declarations
		want string
	}{
		"nothing":                        {&lineage.Declarations{}, "SAFE"},
		"it":                             {of("orders", "west"), "UNSAFE, declared"},
		"another":                        {of("payments", "west"), "SAFE"},
		"one somewhere":                  {of("orders", "nowhere"), "CANNOT BE TOLD; declarations"},
		"another somewhere":              {of("payments", "nowhere"), "SAFE"},
		"a file that is wrong as it is":  {&lineage.Declarations{Files: []lineage.DeclaredFile{{File: "a.yaml", Problem: "no YAML"}}}, "CANNOT BE TOLD; declarations"},
		"a file that is right as it is":  {&lineage.Declarations{Files: []lineage.DeclaredFile{{File: "a.yaml"}}}, "SAFE"},
		"a port of a product that is it": {product("orders"), "UNSAFE, declared"},
	} {
		t.Run(name, func(t *testing.T) {
			d := old{}.advise(t, func(o *answer.Options) { o.Declared = func() *lineage.Declarations { return c.is } })
			if got := saidOf(d); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// product is a data product with an output port whose contract names a topic.
func product(topic string) *lineage.Declarations {
	return &lineage.Declarations{
		Contracts: []lineage.DeclaredContract{{ID: "c", Topics: []lineage.DeclaredTopic{{Text: topic}}, Servers: []lineage.DeclaredServer{{Name: "west"}}}},
		Products:  []lineage.DeclaredProduct{{ID: "p", Name: "sales", Ports: []lineage.DeclaredPort{{Name: "out", Contract: "c"}}}},
	}
}

// Of random worlds whose truth is known, no topic is called safe that somebody uses or may use, or that was not watched
// all the time; and one that nobody uses, that is empty and was watched is.
func TestDeletionLaw(t *testing.T) {
	x := topic("orders")
	for seed := range uint64(150) {
		rng := rand.New(rand.NewPCG(seed, 38))
		o, used, doubted := old{silent: map[int]bool{}}, false, false
		var does []func(*world, int) []filling
		at := func() int { return 6 + rng.IntN(14) } // rounds of the window
		for range rng.IntN(3) {
			switch n := at(); rng.IntN(7) {
			case 0:
				does, used = append(does, once(n, func(w *world) filling { return w.moved(writes(x, producer(1)), lineage.ProducerState, 1) })), true
			case 1:
				does, used = append(does, once(n, func(w *world) filling { return w.moved(reads(x, group("a")), lineage.GroupOffsets, 1) })), true
			case 2:
				does, used = append(does, once(n, func(*world) filling { return sighted(reads(x, group("b")), lineage.GroupMembership, "") })), true
			case 3:
				does, used = append(does, once(1+rng.IntN(4), func(w *world) filling { return w.moved(reads(x, group("c")), lineage.GroupOffsets, 1) })), true
			case 4:
				o.silent[n], o.silent[n+1], doubted = true, true, true
			case 5:
				o.retained, doubted = 5, true
			case 6: // before the window, of no account
				does = append(does, once(2+rng.IntN(3), func(w *world) filling { return w.moved(writes(x, producer(9)), lineage.ProducerState, 1) }))
			}
		}
		o.fill = func(w *world, n int) (all []filling) {
			for _, f := range does {
				all = append(all, f(w, n)...)
			}
			return all
		}
		got := o.advise(t)
		// What happens in a round that nobody takes does not happen in this world.
		happens := used && (len(o.silent) == 0 || got.Verdict() == answer.Unsafe)
		want := answer.Safe
		switch {
		case happens:
			want = answer.Unsafe
		case doubted:
			want = answer.CannotBeTold
		}
		if got.Verdict() != want {
			t.Errorf("seed %d: got %s; used %v, doubted %v, silent %v", seed, saidOf(got), used, doubted, o.silent)
		}
	}
}

// A topic that is not known, or gone, is refused.
func TestDeletionOfTheGone(t *testing.T) {
	w := newWorld(t)
	x := topic("orders")
	gone := lineage.Fact{Key: lineage.FactKey{Source: "west", Kind: lineage.TopicFacts, Name: x.Name}, Gone: true}
	for n := 1; n <= 20; n++ {
		fill := []filling{}
		switch n {
		case 1:
			fill = append(fill, facts(clusterFact(1), topicFact(x)))
		case 15:
			fill = append(fill, facts(gone))
		}
		w.observe("west", "all", n, fill...)
	}
	v := view(t, answers(w.store), answer.Between(round(5), round(20)), answer.All)
	for name, want := range map[string]string{"orders": "is gone since " + round(15).Format(time.RFC3339), "other": "no node"} {
		if _, err := v.Deletion(t.Context(), topicNode(name)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
