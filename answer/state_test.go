package answer_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// guessed makes an estimate of the sample that a filling tells.
func guessed(tell filling) filling {
	return func(o *lineage.Observation) {
		tell(o)
		o.Samples[len(o.Samples)-1].Estimated = true
	}
}

// A flow moved, did not, or nobody can say: by whether it moved, whether it was observed to the end, and whether
// something else speaks for it.
func TestStates(t *testing.T) {
	orders, quiet := topic("orders"), topic("quiet")
	job := group("job")
	const last = 10
	for name, c := range map[string]struct {
		flow    lineage.Flow
		tell    func(w *world, n int) []filling // what the groups' source tells in round n
		want    string
		records string
	}{
		"it moved": {
			flow: lineage.Flow{From: topicNode("orders"), To: application("job")},
			tell: func(w *world, _ int) []filling {
				return []filling{w.moved(reads(orders, job), lineage.GroupOffsets, 3)}
			}, want: "true", records: "15",
		},
		"it moved before the window": {
			flow: lineage.Flow{From: topicNode("orders"), To: application("job")},
			tell: func(w *world, n int) []filling {
				if n > 4 {
					return nil
				}
				return []filling{w.moved(reads(orders, job), lineage.GroupOffsets, 3)}
			}, want: "false", records: "0",
		},
		"it moved before, and at least nothing since: who came, read and went does not show": {
			flow: lineage.Flow{From: topicNode("orders"), To: application("job")},
			tell: func(w *world, n int) []filling {
				switch {
				case n < 5:
					return []filling{w.moved(reads(orders, job), lineage.GroupOffsets, 3)}
				case n != 8:
					return nil
				}
				return []filling{guessed(w.moved(reads(orders, job), lineage.GroupOffsets, 0)), sighted(reads(orders, job), lineage.GroupOffsets, "at least: its offsets were set")}
			}, want: "null", records: "null",
		},
		"it moved before, and the end was not seen": {
			flow: lineage.Flow{From: topicNode("orders"), To: application("job")},
			tell: func(w *world, n int) []filling {
				switch {
				case n == last:
					return []filling{missing("lost")}
				case n > 4:
					return nil
				}
				return []filling{w.moved(reads(orders, job), lineage.GroupOffsets, 3)}
			}, want: "null", records: "null",
		},
		"it moved before, and a gap was made up for": {
			flow: lineage.Flow{From: topicNode("orders"), To: application("job")},
			tell: func(w *world, n int) []filling {
				switch {
				case n == 7:
					return []filling{missing("lost")}
				case n > 4 && n != 8:
					return nil
				}
				return []filling{w.moved(reads(orders, job), lineage.GroupOffsets, min(3, int64(max(0, 5-n)*3)))}
			}, want: "false", records: "0",
		},
		"it moved, and the end was not seen": {
			flow: lineage.Flow{From: topicNode("orders"), To: application("job")},
			tell: func(w *world, n int) []filling {
				if n == last {
					return []filling{missing("lost")}
				}
				return []filling{w.moved(reads(orders, job), lineage.GroupOffsets, 3)}
			}, want: "true", records: "12",
		},
		"a position that was first looked at in the window": {
			flow: lineage.Flow{From: topicNode("orders"), To: application("job")},
			tell: func(w *world, n int) []filling {
				if n < 7 {
					return nil
				}
				return []filling{w.moved(reads(orders, job), lineage.GroupOffsets, 0), sighted(reads(orders, job), lineage.GroupOffsets, "")}
			}, want: "null", records: "null",
		},
		"a writer that was first looked at in the window": {
			flow: lineage.Flow{From: application("job"), To: topicNode("orders")},
			tell: func(w *world, n int) []filling {
				if n < 7 {
					return nil
				}
				return []filling{w.moved(writes(orders, job), lineage.Transaction, 0), sighted(writes(orders, job), lineage.Transaction, "")}
			}, want: "false", records: "0",
		},
		"a member that has not committed, whose progress is pending": {
			flow: lineage.Flow{From: topicNode("orders"), To: application("job")},
			tell: func(_ *world, n int) []filling {
				fill := []filling{sighted(reads(orders, job), lineage.GroupMembership, "")}
				if n == 1 {
					fill = append(fill, level(reads(orders, job), lineage.Pending, 1))
				}
				return fill
			}, want: "null", records: "null",
		},
		"a member that has not committed, and read nothing": {
			flow: lineage.Flow{From: topicNode("orders"), To: application("job")},
			tell: func(_ *world, n int) []filling {
				fill := []filling{sighted(reads(orders, job), lineage.GroupMembership, "")}
				if n == 1 {
					fill = append(fill, level(reads(orders, job), lineage.Pending, 0))
				}
				return fill
			}, want: "false", records: "null",
		},
		"a member whose lag can't be told": {
			flow: lineage.Flow{From: topicNode("orders"), To: application("job")},
			tell: func(_ *world, n int) []filling {
				fill := []filling{sighted(reads(orders, job), lineage.GroupMembership, "")}
				if n == 1 {
					fill = append(fill, level(reads(orders, job), lineage.Lag, lineage.Unknown))
				}
				return fill
			}, want: "null", records: "null",
		},
		"who is only known to read": {
			flow: lineage.Flow{From: topicNode("orders"), To: application("job")},
			tell: func(_ *world, _ int) []filling {
				return []filling{sighted(reads(orders, job), lineage.StreamsTopology, "")}
			}, want: "null", records: "null",
		},
		"who is only known to read, and is there": {
			flow: lineage.Flow{From: topicNode("orders"), To: application("job")},
			tell: func(_ *world, n int) []filling {
				fill := []filling{sighted(reads(orders, job), lineage.StreamsTopology, "")}
				if n == 1 {
					fill = append(fill, level(reads(orders, job), lineage.Live, 1))
				}
				return fill
			}, want: "null", records: "null",
		},
		"who is only known to write what moves": {
			flow: lineage.Flow{From: application("job"), To: topicNode("orders")},
			tell: func(_ *world, _ int) []filling {
				return []filling{sighted(writes(orders, job), lineage.StreamsTopology, "")}
			}, want: "null", records: "null",
		},
		"who is only known to write what rests": {
			flow: lineage.Flow{From: application("job"), To: topicNode("quiet")},
			tell: func(_ *world, _ int) []filling {
				return []filling{sighted(writes(quiet, job), lineage.StreamsTopology, "")}
			}, want: "false", records: "null",
		},
		"who is only known to read what rests": {
			flow: lineage.Flow{From: topicNode("quiet"), To: application("job")},
			// it may read what was written before
			tell: func(_ *world, _ int) []filling {
				return []filling{sighted(reads(quiet, job), lineage.StreamsTopology, "")}
			}, want: "null", records: "null",
		},
		"another that is counted speaks for it": {
			flow: lineage.Flow{From: topicNode("orders"), To: application("job")},
			tell: func(w *world, n int) []filling {
				fill := []filling{sighted(reads(orders, lineage.Client{Group: "job", ClientID: "x"}), lineage.StreamsTopology, "")}
				if n <= 4 {
					fill = append(fill, w.moved(reads(orders, job), lineage.GroupOffsets, 3))
				}
				return fill
			}, want: "false", records: "0",
		},
		"nobody knows it": {
			flow: lineage.Flow{From: topicNode("orders"), To: application("stranger")},
			tell: func(*world, int) []filling { return nil }, want: "null", records: "null",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				for n := 1; n <= last; n++ {
					ends := []filling{w.moved(self(orders), lineage.NoEvidence, 5), w.moved(self(quiet), lineage.NoEvidence, 0)}
					if n == 1 {
						ends = append(ends, facts(clusterFact(2), topicFact(orders), topicFact(quiet)))
					}
					w.observe("west", "end-offsets", n, ends...)
					w.observe("west", "groups", n, c.tell(w, n)...)
				}
				time.Sleep(time.Until(round(last)))
				v := view(t, answers(w.store), answer.Between(round(5), round(last)), answer.All)
				f := v.Rows(nil, []lineage.Flow{c.flow}).Flow(c.flow)
				if got := [2]string{known(f.Active()), known(f.Records())}; got != [2]string{c.want, c.records} {
					t.Errorf("moved and records are %v, want %s and %s", got, c.want, c.records)
				}
			})
		})
	}
}

// A silent flow is gone with what it was between: its topic, the topic's incarnation, its group. What moved in the
// window is shown all the same.
func TestEndsThatAreNoMore(t *testing.T) {
	orders := topic("orders")
	anew := orders
	anew.ID = lineage.TopicID{9}
	flow := lineage.Flow{From: topicNode("orders"), To: application("job")}
	job := groupFact(&lineage.GroupFact{Ref: lineage.GroupRef{Cluster: west, Group: "job"}, Type: "Classic", State: "Stable"})
	for name, c := range map[string]struct {
		until int          // the last round in which it moved
		is    lineage.Fact // from round 7 on
		has   bool
	}{
		"nothing ended":                       {3, topicFact(orders), true},
		"the topic is deleted":                {3, gone(topicFact(orders)), false},
		"the topic is deleted in the window":  {6, gone(topicFact(orders)), true},
		"the topic is created anew":           {3, topicFact(anew), false},
		"the group is deleted":                {3, gone(job), false},
		"the group is deleted in the window":  {6, gone(job), true},
		"another group is deleted":            {3, gone(groupFact(&lineage.GroupFact{Ref: lineage.GroupRef{Cluster: west, Group: "other"}})), true},
		"a topic that is not its own is gone": {3, gone(topicFact(topic("other"))), true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				for n := 1; n <= 10; n++ {
					var fill []filling
					switch n {
					case 1:
						fill = append(fill, facts(clusterFact(1), topicFact(orders), job))
					case 7:
						fill = append(fill, facts(c.is))
					}
					if n <= c.until {
						fill = append(fill, w.moved(self(orders), lineage.NoEvidence, 5), w.moved(reads(orders, group("job")), lineage.GroupOffsets, 5))
					}
					w.observe("west", "all", n, fill...)
				}
				time.Sleep(time.Until(round(10)))
				v := view(t, answers(w.store), answer.Between(round(5), round(10)), answer.All)
				if v.HasFlow(flow) != c.has {
					t.Errorf("it is shown: %v", v.HasFlow(flow))
				}
			})
		})
	}
}

// The topics of a cluster that another one has taken the name of are there no more; of one that was never watched, as a
// mover tells of, they may be.
func TestFormerClusters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		orders, far := topic("orders"), lineage.Topic{Cluster: "never-watched", Name: "far"}
		mover := connector("copy")
		other := clusterFact(1)
		other.Cluster = &lineage.ClusterFact{ID: "another", Brokers: 1, Controller: 1, Topics: 1, Groups: -1}
		for n := 1; n <= 10; n++ {
			var fill []filling
			switch {
			case n == 1:
				fill = append(fill, facts(clusterFact(1), topicFact(orders)), w.moved(self(orders), lineage.NoEvidence, 1), w.moved(reads(orders, group("job")), lineage.GroupOffsets, 1))
			case n <= 3:
				fill = append(fill, w.moved(self(orders), lineage.NoEvidence, 1), w.moved(reads(orders, group("job")), lineage.GroupOffsets, 1))
			case n == 5:
				fill = append(fill, facts(other), happened(lineage.Event{Type: lineage.ClusterChanged, Detail: "another cluster"}))
			}
			w.observe("west", "all", n, fill...)
			w.observe("connect", "connectors", n, sighted(reads(far, by(mover)), lineage.Connect, "x"))
		}
		time.Sleep(time.Until(round(10)))
		a := answers(w.store)
		of := func(cluster, name string) lineage.Node {
			return lineage.Node{Scope: cluster, Kind: lineage.TopicNode, Name: name}
		}
		before, after := view(t, a, answer.Between(round(1), round(3)), answer.All), view(t, a, answer.Between(round(6), round(10)), answer.All)
		was := lineage.Flow{From: of("west", "orders"), To: application("job")}
		if !before.HasFlow(was) {
			t.Error("in its time it was there")
		}
		if f := (lineage.Flow{From: of(string(west), "orders"), To: lineage.Node{Scope: string(west), Kind: lineage.ApplicationNode, Name: "job"}}); after.HasFlow(f) || after.HasFlow(was) {
			t.Error("what is behind no name any more is shown")
		}
		if f := (lineage.Flow{From: of("never-watched", "far"), To: mover}); !after.HasFlow(f) || !before.HasFlow(f) {
			t.Error("what a mover tells of a cluster that nobody watches is not shown")
		}
	})
}
