package answer_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// known writes what may not be known: a pointer's value, or null.
func known[T any](x *T) string {
	if x == nil {
		return "null"
	}
	return fmt.Sprint(*x)
}

// counted advances a counter that is none of records.
func (w *world) counted(x lineage.Access, m lineage.Metric, by int64) filling {
	s := lineage.Sample{Subject: x, Metric: m, Evidence: lineage.GroupOffsets}
	w.totals[s] += by
	s.Value = w.totals[s]
	return func(o *lineage.Observation) { o.Samples = append(o.Samples, s) }
}

// behind is what is told of how far readers are behind, and whether they are there.
type behind struct{ lag, seconds, atLeast, live string }

func behindOf(t testing.TB, f answer.Flow) behind {
	t.Helper()
	ctx := context.Background()
	lag, err := f.Lag(ctx)
	seconds, err2 := f.LagSeconds(ctx)
	least, err3 := f.LagAtLeastSeconds(ctx)
	live, err4 := f.Live(ctx)
	for _, err := range []error{err, err2, err3, err4} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return behind{known(lag), known(seconds), known(least), known(live)}
}

// How far a flow is behind is the sum of its readers' records and the time of the one furthest behind; where one that
// has a lag does not tell it, it is not known; who is not there does not tell either.
func TestBehind(t *testing.T) {
	orders := topic("orders")
	app := lineage.Node{Scope: "connect", Kind: lineage.ConnectorNode, Name: "sink"}
	one, two := reads(orders, group("connect-sink")), reads(orders, lineage.Client{Group: "connect-sink", Member: "m-1"})
	other := reads(orders, lineage.Client{Group: "other"})
	for name, c := range map[string]struct {
		fill []filling
		want behind
	}{
		"nothing is told":  {nil, behind{"null", "null", "null", "null"}},
		"records alone":    {[]filling{level(one, lineage.Lag, 7)}, behind{"7", "null", "null", "null"}},
		"no record":        {[]filling{level(one, lineage.Lag, 0), level(one, lineage.LagMillis, 0)}, behind{"0", "0", "null", "null"}},
		"records and time": {[]filling{level(one, lineage.Lag, 7), level(one, lineage.LagMillis, 2500)}, behind{"7", "2.5", "null", "null"}},
		"a time that is a bound": {
			[]filling{level(one, lineage.Lag, 7), level(one, lineage.LagMillis, 2500), level(one, lineage.LagAtLeast, 1)},
			behind{"7", "null", "2.5", "null"},
		},
		"a bound that no longer is": {
			[]filling{level(one, lineage.Lag, 7), level(one, lineage.LagMillis, 2500), level(one, lineage.LagAtLeast, 0)},
			behind{"7", "2.5", "null", "null"},
		},
		"two readers": {
			[]filling{level(one, lineage.Lag, 7), level(one, lineage.LagMillis, 2500), level(other, lineage.Lag, 5), level(other, lineage.LagMillis, 3000)},
			behind{"12", "3", "null", "null"},
		},
		"two readers, of whom one does not tell": {
			[]filling{level(one, lineage.Lag, 7), level(one, lineage.LagMillis, 2500), level(other, lineage.Lag, lineage.Unknown)},
			behind{"null", "null", "null", "null"},
		},
		"two readers, and no time of one": {
			[]filling{level(one, lineage.Lag, 7), level(one, lineage.LagMillis, 2500), level(other, lineage.Lag, 5), level(other, lineage.LagMillis, lineage.Unknown)},
			behind{"12", "null", "null", "null"},
		},
		"a member beside its group counts once": {[]filling{level(one, lineage.Lag, 7), level(two, lineage.Lag, 7)}, behind{"7", "null", "null", "null"}},
		"somebody is there":                     {[]filling{level(one, lineage.Live, 0), level(other, lineage.Live, 1)}, behind{"null", "null", "null", "true"}},
		"nobody is there":                       {[]filling{level(one, lineage.Live, 0), level(other, lineage.Live, 0)}, behind{"null", "null", "null", "false"}},
		"somebody may be":                       {[]filling{level(one, lineage.Live, 0), level(other, lineage.Live, lineage.Unknown)}, behind{"null", "null", "null", "null"}},
		"who tells nothing is not asked": {
			[]filling{level(one, lineage.Live, 0), sighted(other, lineage.GroupMembership, "")},
			behind{"null", "null", "null", "false"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.observe("west", "all", 1, append(c.fill, facts(clusterFact(1), topicFact(orders)), w.moved(one, lineage.GroupOffsets, 0), w.moved(other, lineage.GroupOffsets, 0))...)
				w.observe("west", "all", 2, append(c.fill, w.moved(one, lineage.GroupOffsets, 9), w.moved(other, lineage.GroupOffsets, 9))...)
				time.Sleep(time.Until(round(2)))
				v := namedBy(t, w, oneReader{app: app}, answer.Between(round(0), round(2)))
				f := lineage.Flow{From: topicNode("orders"), To: app}
				if got := behindOf(t, v.Rows(nil, []lineage.Flow{f}).Flow(f)); got != c.want {
					t.Errorf("got %+v, want %+v", got, c.want)
				}
			})
		})
	}
}

// oneReader takes all who read for one.
type oneReader struct {
	people
	app lineage.Node
}

func (o oneReader) Resolve(c lineage.Cluster, a lineage.Access, known lineage.Known) (lineage.Node, string) {
	if a.Op == lineage.Read {
		return o.app, "a test"
	}
	return o.people.Resolve(c, a, known)
}

// What readers passed and lost is told of those that are counted; who is counted and never missed anything missed
// nothing; where it is not known whether they moved, nothing is no count.
func TestMissed(t *testing.T) {
	orders := topic("orders")
	a, b, member := reads(orders, group("a")), reads(orders, group("b")), reads(orders, lineage.Client{Group: "a", Member: "m"})
	app := application("readers")
	for name, c := range map[string]struct {
		fill          func(w *world, n int) []filling
		skipped, lost string
	}{
		"nobody is counted": {func(*world, int) []filling { return []filling{sighted(a, lineage.GroupMembership, "")} }, "null", "null"},
		"nothing is missed": {func(w *world, _ int) []filling { return []filling{w.moved(a, lineage.GroupOffsets, 5)} }, "0", "0"},
		"one skipped": {func(w *world, _ int) []filling {
			return []filling{w.moved(a, lineage.GroupOffsets, 5), w.counted(a, lineage.Skipped, 3)}
		}, "6", "0"},
		"one skipped, one lost": {func(w *world, _ int) []filling {
			return []filling{w.moved(a, lineage.GroupOffsets, 5), w.counted(a, lineage.Skipped, 3), w.moved(b, lineage.GroupOffsets, 5), w.counted(b, lineage.Lost, 2)}
		}, "6", "4"},
		"two lost": {func(w *world, _ int) []filling {
			return []filling{w.moved(a, lineage.GroupOffsets, 5), w.counted(a, lineage.Lost, 3), w.moved(b, lineage.GroupOffsets, 5), w.counted(b, lineage.Lost, 2)}
		}, "0", "10"},
		"a member's is its group's": {func(w *world, _ int) []filling {
			return []filling{w.moved(a, lineage.GroupOffsets, 5), w.counted(a, lineage.Lost, 3), w.moved(member, lineage.GroupOffsets, 5), w.counted(member, lineage.Lost, 3)}
		}, "0", "6"},
		"not known whether they moved": {func(w *world, n int) []filling {
			if n == 3 {
				return []filling{missing("lost")}
			}
			return []filling{w.moved(a, lineage.GroupOffsets, 0)}
		}, "null", "null"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				for n := 1; n <= 3; n++ {
					fill := c.fill(w, n)
					if n == 1 {
						fill = append(fill, facts(clusterFact(1), topicFact(orders)))
					}
					w.observe("west", "all", n, fill...)
				}
				time.Sleep(time.Until(round(3)))
				v := namedBy(t, w, oneReader{app: app}, answer.Between(round(1), round(3)))
				x := lineage.Flow{From: topicNode("orders"), To: app}
				f := v.Rows(nil, []lineage.Flow{x}).Flow(x)
				if got := [2]string{known(f.Skipped()), known(f.Lost())}; got != [2]string{c.skipped, c.lost} {
					t.Errorf("skipped and lost are %v, want %s and %s", got, c.skipped, c.lost)
				}
			})
		})
	}
}

// A group is told with what its node reads with it: its fact, its lag on all of that, whether anybody is there, and
// when it moved last.
func TestGroups(t *testing.T) {
	inShop(t, func(t *testing.T, a *answer.Answers, whole *answer.View) {
		later := view(t, a, answer.Between(round(10), round(20)), answer.All)
		replay := lineage.Node{Scope: "east", Kind: lineage.ApplicationNode, Name: "replay"}
		for name, c := range map[string]struct {
			v     *answer.View
			node  lineage.Node
			group string
			kind  string
			live  string
			lag   string
			moved int
		}{
			"billing":           {whole, application("billing"), "billing", "Classic", "true", "55", 20},
			"audit":             {whole, application("audit"), "audit", "", "false", "5000", 4},
			"audit later":       {later, application("audit"), "audit", "", "false", "5000", 4},
			"replay tells less": {whole, replay, "replay", "", "null", "null", 20},
		} {
			rows := c.v.Rows([]lineage.Node{c.node}, nil)
			groups := rows.Node(c.node).Groups()
			if len(groups) != 1 || groups[0].Ref.Group != c.group {
				t.Errorf("%s: the groups are %v", name, groups)
				continue
			}
			g := groups[0]
			live, err := g.Live(context.Background())
			lag, err2 := g.Lag(context.Background())
			moved, err3 := g.LastMoved(context.Background())
			if err != nil || err2 != nil || err3 != nil {
				t.Fatal(err, err2, err3)
			}
			if g.Fact().Type != c.kind || known(live) != c.live || known(lag) != c.lag || !moved.Equal(round(c.moved)) {
				t.Errorf("%s: type %q, live %s, lag %s, moved at %s; want %q, %s, %s, %s", name, g.Fact().Type, known(live), known(lag), moved, c.kind, c.live, c.lag, round(c.moved))
			}
		}
		if groups := whole.Rows(nil, nil).Node(unidentified("orders")).Groups(); len(groups) != 0 {
			t.Errorf("who has no group reads with %v", groups)
		}
	})
}

// The groups of a topic stand by cluster and name.
func TestGroupsOfATopic(t *testing.T) {
	inShop(t, func(t *testing.T, _ *answer.Answers, v *answer.View) {
		var got []string
		for _, g := range v.Rows([]lineage.Node{topicNode("orders")}, nil).Node(topicNode("orders")).Groups() {
			got = append(got, string(g.Ref.Cluster)+"/"+g.Ref.Group)
		}
		if fmt.Sprint(got) != fmt.Sprint([]string{string(west) + "/audit", string(west) + "/billing"}) {
			t.Errorf("the groups are %v", got)
		}
	})
}
