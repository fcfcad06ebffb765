package answer_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/identity"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/timeseries"
)

// changing is a world in which all changes that names and graphs are made of: topics are deleted and made again under
// their names, groups and clients come and go, connectors and a replicator are configured anew, who is known by a
// principal alone gets a name, and the oldest is forgotten.
type changing struct {
	*world
	r     *rand.Rand
	epoch map[string]byte // of a topic, by name
	rules *identity.Resolver
	clock time.Time
}

func newChanging(t testing.TB, r *rand.Rand) *changing {
	t.Helper()
	s := timeseries.NewMemory(timeseries.Options{Tick: tick, Retention: timeseries.Retention{Raw: 90 * time.Minute, Minute: 2 * time.Hour, Hour: 3 * time.Hour}})
	t.Cleanup(func() { _ = s.Close() })
	c := &changing{world: &world{t: t, store: s, totals: map[lineage.Sample]int64{}}, r: r, epoch: map[string]byte{}}
	c.rename()
	return c
}

// rename makes other rules.
func (c *changing) rename() {
	rules := identity.Rules{}
	if i := c.r.IntN(4); i > 0 {
		rules.Applications = []identity.Rule{{Group: regexp.MustCompile(fmt.Sprintf("^g%d", i)), Name: fmt.Sprintf("named-%d", c.r.IntN(3)), Owner: "us"}}
	}
	r, err := identity.New(rules)
	if err != nil {
		c.t.Fatal(err)
	}
	c.rules = r
}

func (c *changing) topic(i int) lineage.Topic {
	x := topic(string(rune('a' + i)))
	x.ID[15] = c.epoch[x.Name]
	return x
}

// something writes one round of one source.
func (c *changing) something(n int) {
	var fill []filling
	x := c.topic(c.r.IntN(5))
	connector := lineage.Node{Scope: "connect", Kind: lineage.ConnectorNode, Name: fmt.Sprint("c", c.r.IntN(2))}
	mirror := lineage.Node{Scope: "west", Kind: lineage.ReplicatorNode, Name: "east->west"}
	switch c.r.IntN(12) {
	case 0:
		fill = append(fill, facts(clusterFact(1+c.r.IntN(2)), topicFact(x)))
	case 1:
		c.epoch[x.Name]++
		gone := topicFact(x)
		gone.Gone, gone.Topic = true, nil
		fill = append(fill, facts(gone))
	case 2:
		fill = append(fill, missing("broker 2 does not answer"))
	case 3:
		fill = append(fill, facts(connectorFact(connector, []string{"sink", "source"}[c.r.IntN(2)], []string{"RUNNING", "PAUSED"}[c.r.IntN(2)])),
			sighted(writes(nameOnly(x), by(connector)), lineage.Connect, "class x"), sighted(outside(lineage.Read, connector, lineage.Dataset{Namespace: "db", Name: x.Name}), lineage.Connect, ""))
	case 4:
		fill = append(fill, facts(lineage.Fact{
			Key:        lineage.FactKey{Source: "west", Kind: lineage.ReplicatorFacts, Name: mirror.ID()},
			Replicator: &lineage.ReplicatorFact{Node: mirror, Source: "east", Target: west, SourceAlias: "east", TargetAlias: "west", State: "RUNNING"},
		}), sighted(reads(nameOnly(x), by(mirror)), lineage.Mirror, ""), sighted(writes(nameOnly(topic("east."+x.Name)), by(mirror)), lineage.Mirror, ""))
	case 5:
		who := lineage.Client{Principal: fmt.Sprint("User:p", c.r.IntN(2)), Host: fmt.Sprint("10.0.0.", c.r.IntN(2))}
		if c.r.IntN(2) == 0 {
			who.ClientID = fmt.Sprint("client-", c.r.IntN(3))
		}
		fill = append(fill, sighted(reads(x, who), lineage.AuthorizerLog, ""), sighted(writes(c.topic(c.r.IntN(5)), who), lineage.RequestLog, ""))
	case 6:
		ref := lineage.GroupRef{Cluster: west, Group: fmt.Sprint("g", c.r.IntN(4))}
		f := lineage.Fact{
			Key:   lineage.FactKey{Source: "west", Kind: lineage.GroupFacts, Name: ref.Group},
			Group: &lineage.GroupFact{Ref: ref, Type: "Classic", Protocol: "consumer", MembersKnown: true, Members: []lineage.Member{{ID: "m", ClientID: fmt.Sprint("client-", c.r.IntN(3)), Host: "h"}}},
		}
		if c.r.IntN(3) == 0 {
			f.Group, f.Gone = nil, true
		}
		fill = append(fill, facts(f))
	default:
		g := reads(x, group(fmt.Sprint("g", c.r.IntN(4))))
		fill = append(fill, c.moved(self(x), lineage.NoEvidence, 10), c.moved(writes(x, producer(int64(c.r.IntN(3)))), lineage.ProducerState, int64(c.r.IntN(5))),
			c.moved(g, lineage.GroupOffsets, int64(c.r.IntN(9))), level(g, lineage.Lag, int64(c.r.IntN(3))), level(g, lineage.Live, int64(c.r.IntN(2))))
	}
	c.observe("west", []string{"end-offsets", "groups", "producers"}[c.r.IntN(3)], n, fill...)
}

func (c *changing) answers(rules func() answer.Identity) *answer.Answers {
	return answer.New(answer.Options{
		History: c.store, Identity: rules, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}}, Connects: []answer.ConnectConfig{{Name: "connect"}},
		Now: func() time.Time { return c.clock },
	})
}

// all is what a view says of all that it has, as text.
func (c *changing) all(v *answer.View) string {
	c.t.Helper()
	ctx, t := context.Background(), c.t
	found, err := v.Search(ctx, answer.Search{IncludeInternal: true, OrderBy: answer.ByLastMoved})
	if err != nil {
		t.Fatal(err)
	}
	out := []any{found, v.Coverage(), v.Joins(100)}
	for _, only := range []answer.Filter{{}, {IncludeInactive: true, IncludeInternal: true}, {Evidence: []lineage.EvidenceKind{lineage.Connect, lineage.Mirror}}} {
		for _, p := range found {
			w := v.Walk(graph.Query{Roots: []lineage.Node{p.Node}, Direction: graph.Both, Depth: -1}, only)
			closure := v.Closure([]lineage.Node{p.Node}, graph.Downstream, only)
			out = append(out, shown(ctx, t, v, w), closure.Page(nil, 100), closure.Len())
		}
	}
	out = append(out, shown(ctx, t, v, v.Overview(nil, answer.Filter{IncludeInternal: true}, 5)))
	for by := answer.GroupByCluster; by <= answer.GroupByPrefix; by++ {
		_, w, err := v.Grouped(ctx, by, nil, answer.Filter{IncludeInternal: true}, 100)
		out = append(out, w, err)
	}
	return text(t, out)
}

// TestSharedIsAsAnew asks one who has answered ever more windows, and shares between them what does not change, and one
// who has answered none, while all changes: rules, topics, groups, movers, what comes late, and what is forgotten. They
// say the same to the byte.
func TestSharedIsAsAnew(t *testing.T) {
	for seed := range uint64(4) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 21))
			w := newChanging(t, r)
			rules := func() answer.Identity { return w.rules }
			shared := w.answers(rules)
			shared.Keep(1)        // each window is built anew
			shared.KeepNumbers(9) // and at times begins with other numbers
			w.observe("west", "end-offsets", 1, facts(clusterFact(2)))
			const hour = 360
			newest, compared := 1, 0
			for newest < 5*hour {
				if r.IntN(4) == 0 {
					newest += hour / 2
				}
				newest += 1 + r.IntN(3)
				w.clock = round(newest).Add(time.Second)
				w.something(newest)
				for range 3 { // some come late
					w.something(newest - r.IntN(min(newest, 60)))
				}
				switch r.IntN(12) {
				case 0:
					w.rename()
				case 1:
					if err := w.store.Maintain(t.Context(), w.clock); err != nil {
						t.Fatal(err)
					}
				}
				for range 2 {
					end := newest - r.IntN(min(newest, hour))
					in := answer.Between(round(end-1-r.IntN(min(end, 30))), round(end))
					got, want := w.all(view(t, shared, in, answer.All)), w.all(view(t, w.answers(rules), in, answer.All))
					if compared++; got != want {
						t.Fatalf("seed %d, round %d, window %v: shared\n%.3000s\nanew\n%.3000s", seed, newest, in, got, want)
					}
				}
			}
			if compared < 30 {
				t.Errorf("seed %d: %d compared", seed, compared)
			}
		})
	}
}
