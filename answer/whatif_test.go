package answer_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// stream is a flow of a world of programs, written large, and topics. Each moves a record a second, if it is not
// silent.
type stream struct {
	from, to string
	lag      int64 // records behind; -1: not known
	silent   bool  // in the window
	unsure   bool  // whether it moved is not known
}

// estate is a world of streams between topics that bear facts of their own.
type estate struct {
	streams []stream
	topics  map[string]func(*lineage.TopicFact)
	facts   []lineage.Fact
	nodes   map[string]lineage.Node // of programs that are no applications
	waited  int64                   // ms that the oldest record that waits has waited
}

func isTopic(name string) bool { return name == strings.ToLower(name) }

func (e estate) node(name string) lineage.Node {
	if n, ok := e.nodes[name]; ok {
		return n
	}
	if isTopic(name) {
		return topicNode(name)
	}
	return application(name)
}

func (e estate) access(s stream) lineage.Access {
	name, program, op := s.to, s.from, writes
	if isTopic(s.from) {
		name, program, op = s.from, s.to, reads
	}
	if n, ok := e.nodes[program]; ok {
		return op(nameOnly(topic(name)), by(n))
	}
	return op(topic(name), group(program))
}

// watch watches the estate for twenty rounds, and returns what the last ten say.
func (e estate) watch(t testing.TB) *answer.View {
	t.Helper()
	w := newWorld(t)
	names := map[string]bool{}
	for _, s := range e.streams {
		for _, n := range []string{s.from, s.to} {
			if isTopic(n) {
				names[n] = true
			}
		}
	}
	for n := 1; n <= 20; n++ {
		var fill []filling
		for _, s := range e.streams {
			x := e.access(s)
			switch {
			case s.unsure && n == 1:
				fill = append(fill, w.moved(x, kindOf(x), 10), level(x, lineage.Pending, 0))
			case s.unsure && n == 10:
				fill = append(fill, level(x, lineage.Pending, 1))
			case !s.unsure && (!s.silent || n < 5):
				fill = append(fill, w.moved(x, kindOf(x), 10))
			}
			if x.Op == lineage.Read && s.lag >= 0 {
				fill = append(fill, level(x, lineage.Lag, s.lag), level(x, lineage.LagMillis, e.waited))
			}
		}
		for _, name := range slices.Sorted(maps.Keys(names)) {
			x := self(topic(name))
			fill = append(fill, w.moved(x, lineage.NoEvidence, 10), level(x, lineage.Retained, 100), level(x, lineage.LogBytes, 5000))
			if n == 1 {
				f := topicFact(topic(name))
				if set := e.topics[name]; set != nil {
					set(f.Topic)
				}
				fill = append(fill, facts(f))
			}
		}
		if n == 1 {
			fill = append(fill, facts(clusterFact(len(names))), facts(e.facts...))
		}
		w.observe("west", "all", n, fill...)
	}
	return view(t, answers(w.store), answer.Between(round(10), round(20)), answer.All)
}

func (e estate) lose(t testing.TB, v *answer.View, ids ...string) *answer.WhatIf {
	t.Helper()
	var lose []answer.Lose
	for _, id := range ids {
		if !strings.Contains(id, ":") {
			id = e.node(id).ID()
		}
		x, err := answer.ParseLose(id)
		if err != nil {
			t.Fatal(err)
		}
		lose = append(lose, x)
	}
	got, err := v.WhatIf(t.Context(), lose)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func knownAs(is *bool, yes, no string) string {
	switch {
	case is == nil:
		return "not known"
	case *is:
		return yes
	}
	return no
}

func starvedOf(q *answer.WhatIf) (out []string) {
	for _, s := range q.Starved {
		after := fmt.Sprintf("at least %g s", s.AtLeast)
		if s.Exact {
			after = fmt.Sprintf("%g s", s.AtLeast)
		}
		out = append(out, fmt.Sprintf("%s: %s, %s", s.Node.Name, knownAs(s.Wholly, "wholly", "in part"), after))
	}
	return out
}

func TestWhatIfStarves(t *testing.T) {
	for name, c := range map[string]struct {
		streams []stream
		lose    []string
		want    []string
	}{
		"its readers have nothing more at once where a topic is lost": {
			[]stream{{from: "W", to: "a"}, {from: "a", to: "P", lag: 30}, {from: "P", to: "b"}, {from: "b", to: "Q", lag: 20}},
			[]string{"a"},
			[]string{"P: wholly, 0 s", "b: wholly, at least 0 s", "Q: wholly, at least 20 s"},
		},
		"where a writer is lost they read what waits": {
			[]stream{{from: "W", to: "a"}, {from: "a", to: "P", lag: 30}, {from: "a", to: "Q", lag: 0}},
			[]string{"W"},
			[]string{"a: wholly, 0 s", "Q: wholly, 0 s", "P: wholly, 30 s"},
		},
		"who has another source goes on with less": {
			[]stream{{from: "W", to: "a"}, {from: "V", to: "b"}, {from: "a", to: "P"}, {from: "b", to: "P"}, {from: "P", to: "c"}, {from: "a", to: "Q"}},
			[]string{"a"},
			[]string{"P: in part, 0 s", "Q: wholly, 0 s", "c: in part, at least 0 s"},
		},
		"who writes into what is lost feeds nobody by it": {
			[]stream{{from: "V", to: "a"}, {from: "V", to: "b"}, {from: "a", to: "P"}, {from: "P", to: "b"}},
			[]string{"a"},
			[]string{"P: wholly, 0 s", "b: in part, at least 0 s"},
		},
		"who may have another source is not known to be wholly starved": {
			[]stream{{from: "a", to: "P"}, {from: "b", to: "P", unsure: true}}, []string{"a"}, []string{"P: not known, 0 s"},
		},
		"what is silent is not fed, and starves nobody": {
			[]stream{{from: "W", to: "a"}, {from: "V", to: "a", silent: true}, {from: "a", to: "P"}, {from: "a", to: "Q", silent: true}},
			[]string{"W"},
			[]string{"a: wholly, 0 s", "P: wholly, 0 s"},
		},
		"a circle does not feed itself": {
			[]stream{{from: "W", to: "a"}, {from: "a", to: "P"}, {from: "P", to: "b"}, {from: "b", to: "Q"}, {from: "Q", to: "a"}},
			[]string{"W"},
			[]string{"a: wholly, 0 s", "P: wholly, 0 s", "b: wholly, at least 0 s", "Q: wholly, at least 0 s"},
		},
		"two that are lost are not starved by each other": {
			[]stream{{from: "W", to: "a"}, {from: "a", to: "P"}, {from: "P", to: "b"}, {from: "b", to: "Q", lag: 5}},
			[]string{"W", "P"},
			[]string{"a: wholly, 0 s", "b: wholly, 0 s", "Q: wholly, 5 s"},
		},
		"of one whose lag is not known it is not known when": {
			[]stream{{from: "W", to: "a"}, {from: "a", to: "P", lag: -1}}, []string{"W"}, []string{"a: wholly, 0 s", "P: wholly, at least 0 s"},
		},
		"a cluster takes all of its topics along": {
			[]stream{{from: "W", to: "a"}, {from: "a", to: "P", lag: 30}, {from: "P", to: "b"}, {from: "b", to: "Q"}},
			[]string{"cluster:west"},
			[]string{"P: wholly, 0 s", "Q: wholly, 0 s"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := estate{streams: c.streams}
			if got := starvedOf(e.lose(t, e.watch(t), c.lose...)); !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

// Of random worlds: who is starved, whether wholly and after how long, by a slow search over names that knows nothing
// of graphs.
func TestWhatIfLaw(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 38))
		e, lost := randomEstate(rng)
		got := map[string]string{}
		for _, s := range e.lose(t, e.watch(t), slices.Sorted(maps.Keys(lost))...).Starved {
			got[s.Node.Name] = fmt.Sprintf("%s %.0f", knownAs(s.Wholly, "wholly", "in part"), s.AtLeast)
		}
		if want := e.slowly(lost); !maps.Equal(got, want) {
			t.Errorf("seed %d: lost %v of %+v:\ngot  %v\nwant %v", seed, lost, e.streams, got, want)
		}
	}
}

func randomEstate(rng *rand.Rand) (e estate, lost map[string]bool) {
	programs, topics := []string{"P", "Q", "R", "S", "T", "U"}, []string{"a", "b", "c", "d", "e", "f"}
	has, lost := map[[2]string]bool{}, map[string]bool{}
	for range 6 + rng.IntN(10) {
		s := stream{from: programs[rng.IntN(6)], to: topics[rng.IntN(6)], silent: rng.IntN(6) == 0}
		if rng.IntN(2) == 0 {
			s.from, s.to, s.lag = s.to, s.from, int64(rng.IntN(4)*10)
		}
		if !has[[2]string{s.from, s.to}] {
			has[[2]string{s.from, s.to}] = true
			e.streams = append(e.streams, s)
		}
	}
	for range 1 + rng.IntN(2) {
		s := e.streams[rng.IntN(len(e.streams))]
		lost[[]string{s.from, s.to}[rng.IntN(2)]] = true
	}
	return e, lost
}

// slowly returns who is starved, as it is written above.
func (e estate) slowly(lost map[string]bool) map[string]string {
	after, fed := map[string]float64{}, map[string]bool{}
	for n := range lost {
		after[n] = 0
	}
	for range e.streams {
		for _, s := range e.streams {
			from, ok := after[s.from]
			if s.silent || !ok || lost[s.to] {
				continue
			}
			if isTopic(s.from) && !lost[s.from] {
				from += float64(s.lag)
			}
			if old, ok := after[s.to]; !ok || from < old {
				after[s.to] = from
			}
		}
	}
	for _, s := range e.streams {
		if _, down := after[s.from]; !down && !s.silent {
			fed[s.from] = true
		}
	}
	for range e.streams {
		for _, s := range e.streams {
			if !s.silent && fed[s.from] && !lost[s.to] && !lost[s.from] {
				fed[s.to] = true
			}
		}
	}
	out := map[string]string{}
	for n, at := range after {
		if !lost[n] {
			out[n] = fmt.Sprintf("%s %.0f", knownAs(new(!fed[n]), "wholly", "in part"), at)
		}
	}
	return out
}

func kept(policy string, millis, bytes int64) func(*lineage.TopicFact) {
	return func(f *lineage.TopicFact) {
		f.Retention = &lineage.Retention{Policy: policy, Millis: millis, Bytes: bytes}
	}
}

func TestWhatIfRetention(t *testing.T) {
	read := func(lag int64) []stream { return []stream{{from: "W", to: "a"}, {from: "a", to: "P", lag: lag}} }
	set := func(name, value string) func(*lineage.TopicFact) {
		return func(f *lineage.TopicFact) { f.Configs = []lineage.Config{{Name: name, Value: value}} }
	}
	limits := []string{"", "time", "size", "never", "not known"}
	for name, c := range map[string]struct {
		streams []stream
		topic   func(*lineage.TopicFact)
		lose    string
		want    []string
	}{
		"who has read all runs into it with what is written next": {read(0), kept("delete", 60_000, -1), "P", []string{"a>P: time 60 s, 1/s"}},
		"who is behind runs into it sooner":                       {read(50), kept("delete", 60_000, -1), "P", []string{"a>P: time 53 s, 1/s"}},
		"who is too late already does at once":                    {read(50), kept("delete", 5000, -1), "P", []string{"a>P: time 0 s, 1/s"}},
		// 6 partitions of 500 bytes, records of 50 bytes: room for 60 records, of which 20 wait, at one a second.
		"by size":                               {read(20), kept("delete", -1, 500), "P", []string{"a>P: size 40 s, 1/s"}},
		"the sooner of both":                    {read(20), kept("delete", 60_000, 500), "P", []string{"a>P: size 40 s, 1/s"}},
		"the sooner of both, the other":         {read(20), kept("delete", 30_000, 500), "P", []string{"a>P: time 23 s, 1/s"}},
		"never by either":                       {read(20), kept("delete", -1, -1), "P", []string{"a>P: never, 1/s"}},
		"never of a table":                      {read(20), kept("compact", 60_000, 500), "P", []string{"a>P: never, 1/s"}},
		"a table whose old ends are deleted":    {read(0), kept("compact,delete", 60_000, -1), "P", []string{"a>P: time 60 s, 1/s"}},
		"the default was not observed":          {read(0), nil, "P", []string{"a>P: not known, 1/s"}},
		"what is set on the topic":              {read(0), set("retention.ms", "60000"), "P", []string{"a>P: time 60 s, 1/s"}},
		"the policy alone":                      {read(0), set("cleanup.policy", "compact"), "P", []string{"a>P: never, 1/s"}},
		"of one whose lag is not known":         {read(-1), kept("delete", 60_000, -1), "P", []string{"a>P: not known, 1/s"}},
		"who loses his writer reads to its end": {read(20), kept("delete", 60_000, -1), "W", nil},
		"who writes into what is lost may be blocked": {
			append(read(0), stream{from: "P", to: "b"}), kept("delete", 60_000, -1), "b", []string{"a>P: time 60 s, 1/s, blocked"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := estate{streams: c.streams, topics: map[string]func(*lineage.TopicFact){"a": c.topic}, waited: 7000}
			var got []string
			for _, r := range e.lose(t, e.watch(t), c.lose).Retention {
				text := fmt.Sprintf("%s>%s: %s", r.Flow.From.Name, r.Flow.To.Name, limits[r.By])
				if r.After != nil {
					text += fmt.Sprintf(" %g s", math.Round(*r.After))
				}
				if r.Rate != nil {
					text += fmt.Sprintf(", %g/s", *r.Rate)
				}
				if r.Blocked {
					text += ", blocked"
				}
				if r.Why == "" {
					t.Error("it does not say what it rests on")
				}
				got = append(got, text)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// What is written no more grows no more: only what waits can be lost, and of who has read all nothing.
func TestWhatIfRetentionOfTheStarved(t *testing.T) {
	e := estate{
		streams: []stream{{from: "W", to: "a"}, {from: "a", to: "P", lag: 20}, {from: "a", to: "Q", lag: 0}},
		topics:  map[string]func(*lineage.TopicFact){"a": kept("delete", 60_000, 500)}, waited: 7000,
	}
	got := e.lose(t, e.watch(t), "W", "P", "Q").Retention
	if len(got) != 1 || got[0].Flow.To.Name != "P" || got[0].By != answer.LimitTime || *got[0].After != 53 || *got[0].Rate != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestWhatIfCopies(t *testing.T) {
	mirror := lineage.Node{Scope: "west", Kind: lineage.ReplicatorNode, Name: "east->west"}
	other := lineage.Node{Scope: "far", Kind: lineage.ReplicatorNode, Name: "west->far"}
	is := func(n lineage.Node, target lineage.ClusterID) lineage.Fact {
		from, to, _ := strings.Cut(n.Name, "->")
		return lineage.Fact{Key: lineage.FactKey{Source: "west", Kind: lineage.ReplicatorFacts, Name: n.ID()}, Replicator: &lineage.ReplicatorFact{
			Node: n, SourceAlias: from, TargetAlias: to, Source: west, Target: target, Policy: "org.apache.kafka.connect.mirror.DefaultReplicationPolicy", Separator: ".",
		}}
	}
	copied := estate{
		streams: []stream{{from: "W", to: "a"}, {from: "W", to: "b"}, {from: "a", to: "MIRROR", lag: 4}, {from: "MIRROR", to: "east.a"}, {from: "b", to: "FAR", lag: 3}, {from: "W", to: "c"}},
		nodes:   map[string]lineage.Node{"MIRROR": mirror, "FAR": other},
		facts:   []lineage.Fact{is(mirror, west), is(other, "far-away")},
	}
	v := copied.watch(t)
	for name, c := range map[string]struct {
		lose []string
		want string
	}{
		"one that is copied":                    {[]string{"a"}, "a: false [east.a] 4"},
		"the copy":                              {[]string{"east.a"}, "east.a: false [a]"},
		"both":                                  {[]string{"a", "east.a"}, "a: true [], east.a: true []"},
		"one that is not":                       {[]string{"c"}, "c: true []"},
		"one that is copied where nobody looks": {[]string{"b"}, "b: not known []"},
		"the cluster":                           {[]string{"cluster:west"}, "a: true [], c: true [], east.a: true [], b: not known []"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, x := range copied.lose(t, v, c.lose...).Copies {
				text := fmt.Sprintf("%s: %s %s", x.Topic.Name, knownAs(x.Only, "true", "false"), namesOf(x.Copies))
				if x.NotCopied != nil {
					text += fmt.Sprint(" ", *x.NotCopied)
				}
				if *x.Records != 100 || *x.Bytes != 5000 {
					t.Errorf("%s holds %d records of %d bytes", x.Topic.Name, *x.Records, *x.Bytes)
				}
				if (x.Only == nil) != (x.Why != "") {
					t.Errorf("%s: why is %q", x.Topic.Name, x.Why)
				}
				got = append(got, text)
			}
			if text := strings.Join(got, ", "); text != c.want {
				t.Errorf("got %q, want %q", text, c.want)
			}
		})
	}
}

func namesOf(nodes []lineage.Node) []string {
	out := []string{}
	for _, n := range nodes {
		out = append(out, n.Name)
	}
	return out
}

// A broker takes along what lies nowhere else; where nobody knows where replicas lie that is not told.
func TestWhatIfBrokers(t *testing.T) {
	at := func(places ...lineage.Place) func(*lineage.TopicFact) {
		return func(f *lineage.TopicFact) { f.Places = places }
	}
	e := estate{
		streams: []stream{{from: "W", to: "a"}, {from: "W", to: "b"}, {from: "W", to: "c"}, {from: "W", to: "d"}, {from: "a", to: "P"}, {from: "b", to: "Q"}, {from: "c", to: "R"}},
		topics: map[string]func(*lineage.TopicFact){
			"a": at(lineage.Place{Brokers: []int32{1}, Partitions: 6}),
			"b": at(lineage.Place{Brokers: []int32{1, 2}, Partitions: 4}, lineage.Place{Brokers: []int32{2, 3}, Partitions: 2}),
			"c": at(lineage.Place{Brokers: []int32{2, 3}, Partitions: 6}),
		},
	}
	v := e.watch(t)
	for lose, want := range map[string]string{
		"broker:west/1":                             "[a] [P: wholly, 0 s] 1",
		"broker:west/2":                             "[] [] 1",
		"broker:west/1 broker:west/2":               "[a b/4] [P: wholly, 0 s Q: in part, 0 s] 1",
		"broker:west/1 broker:west/2 broker:west/3": "[a b c] [P: wholly, 0 s Q: wholly, 0 s R: wholly, 0 s] 2",
		// that nothing is lost is no answer where there may be no such broker
		"broker:west/77": "[] [] 2",
	} {
		got := e.lose(t, v, strings.Fields(lose)...)
		var lost []string
		for _, x := range got.Lost {
			if text := x.Node.Name; x.Partitions > 0 {
				lost = append(lost, fmt.Sprintf("%s/%d", text, x.Partitions))
			} else {
				lost = append(lost, text)
			}
		}
		if text := fmt.Sprint(lost, " ", starvedOf(got), " ", len(got.Untold)); text != want {
			t.Errorf("%s: got %s, want %s", lose, text, want)
		}
	}
}

// What traces took from a topic that is lost is no time that is left: what waits there goes with it.
func TestWhatIfByTraces(t *testing.T) {
	w := chain(t, "a>P 5", "P>b", "W>a")
	x := lineage.Access{Topic: topic("b"), Client: by(topicNode("a"))}
	for n := int64(1); n <= 20; n++ {
		w.observe("west", "headers", int(n), level(x, lineage.TraceMillis, n*30_000), level(x, lineage.Traces, n))
	}
	v := view(t, answers(w.store), answer.Between(round(10), round(20)), answer.All)
	for lose, want := range map[string]string{"a": "[P: wholly, 0 s b: wholly, at least 0 s]", "W": "[a: wholly, 0 s P: wholly, 7 s b: wholly, 30 s]"} {
		if got := fmt.Sprint(starvedOf(estate{}.lose(t, v, lose))); got != want {
			t.Errorf("%s: got %s, want %s", lose, got, want)
		}
	}
}

// With a cluster goes who keeps his state there.
func TestWhatIfOfACluster(t *testing.T) {
	here, there := lineage.Node{Scope: "here", Kind: lineage.ConnectorNode, Name: "sink"}, lineage.Node{Scope: "there", Kind: lineage.ConnectorNode, Name: "sink"}
	into, out := lineage.Node{Scope: "west", Kind: lineage.ReplicatorNode, Name: "east->west"}, lineage.Node{Scope: "east", Kind: lineage.ReplicatorNode, Name: "west->east"}
	connect := func(name string, of lineage.ClusterID) lineage.Fact {
		return lineage.Fact{Key: lineage.FactKey{Source: name, Kind: lineage.ConnectFacts}, Connect: &lineage.ConnectFact{Kafka: of}}
	}
	copies := func(n lineage.Node, from, to lineage.ClusterID) lineage.Fact {
		return lineage.Fact{Key: lineage.FactKey{Source: "west", Kind: lineage.ReplicatorFacts, Name: n.ID()}, Replicator: &lineage.ReplicatorFact{Node: n, Source: from, Target: to}}
	}
	e := estate{
		streams: []stream{{from: "W", to: "a"}},
		facts: []lineage.Fact{
			connect("here", west), connect("there", "elsewhere"), connectorFact(here, "sink", "RUNNING"), connectorFact(there, "sink", "RUNNING"),
			copies(into, "east", west), copies(out, west, "east"),
		},
	}
	var got []string
	for _, x := range e.lose(t, e.watch(t), "cluster:west").Lost {
		got = append(got, fmt.Sprint(x.Node.ID(), " ", x.Why, " ", x.With))
	}
	want := []string{
		fmt.Sprint("topic:west/a ", answer.LossOnCluster, " cluster:west"), fmt.Sprint(here.ID(), " ", answer.LossRunsThere, " cluster:west"),
		fmt.Sprint(into.ID(), " ", answer.LossRunsThere, " cluster:west"),
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestParseLose(t *testing.T) {
	for id, want := range map[string]string{
		"topic:west/orders": "topic:west/orders  <nil>", "cluster:west": "  west", "broker:west/3": "  west 3", "broker:a/b/3": "  a/b 3",
		"broker:west": "refused", "broker:west/x": "refused", "broker:/3": "refused", "cluster:": "refused", "orders": "refused", "group:west/x": "refused", "broker:west/99999999999": "refused",
	} {
		x, err := answer.ParseLose(id)
		got := "refused"
		switch {
		case err != nil:
		case x.Cluster == "":
			got = x.Node.ID() + "  <nil>"
		case x.Broker != nil:
			got = fmt.Sprint("  ", x.Cluster, " ", *x.Broker)
		default:
			got = "  " + x.Cluster
		}
		if got != want || err == nil && x.ID != id {
			t.Errorf("%s: got %q, want %q", id, got, want)
		}
	}
}

// Who is not there can't be lost, and who stops waiting ends it.
func TestWhatIfRefuses(t *testing.T) {
	e := estate{streams: []stream{{from: "W", to: "a"}, {from: "a", to: "P"}}}
	v := e.watch(t)
	if _, err := v.WhatIf(t.Context(), []answer.Lose{{Node: topicNode("other")}}); err == nil {
		t.Error("what is not there was lost")
	}
	if _, err := v.WhatIf(t.Context(), []answer.Lose{{Cluster: "other"}}); err == nil {
		t.Error("a cluster that is not there was lost")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := v.WhatIf(ctx, []answer.Lose{{Node: topicNode("a")}}); !errors.Is(err, context.Canceled) {
		t.Errorf("it went on: %v", err)
	}
}
