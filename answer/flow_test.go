package answer_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// What a flow moved in bytes is its records by the mean size of its topic's on disk; where the size of one topic that
// moved is not known, nor is the sum.
func TestBytes(t *testing.T) {
	orders := topic("orders")
	sized := func(bytes, records int64) []filling {
		return []filling{level(self(orders), lineage.LogBytes, bytes), level(self(orders), lineage.Retained, records)}
	}
	for name, c := range map[string]struct {
		size             []filling
		by               int64 // records a round
		bytes, perSecond string
	}{
		"by the mean size":        {sized(5000, 100), 20, "5000", "100"},
		"of less than a byte":     {sized(50, 100), 20, "50", "1"},
		"nothing is on disk":      {sized(0, 0), 20, "null", "null"},
		"the records are unknown": {sized(5000, lineage.Unknown), 20, "null", "null"},
		"the size is unknown":     {sized(lineage.Unknown, 100), 20, "null", "null"},
		"it was never told":       {nil, 20, "null", "null"},
		"nothing moved":           {nil, 0, "0", "0"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				for n := 1; n <= 10; n++ {
					by := c.by
					if n < 5 {
						by = 20
					}
					fill := append([]filling{w.moved(self(orders), lineage.NoEvidence, by), w.moved(writes(orders, producer(1)), lineage.ProducerState, by)}, c.size...)
					if n == 1 {
						fill = append(fill, facts(clusterFact(1), topicFact(orders)))
					}
					w.observe("west", "all", n, fill...)
				}
				time.Sleep(time.Until(round(10)))
				v := view(t, answers(w.store), answer.Between(round(5), round(10)), answer.All)
				x := lineage.Flow{From: unidentified("orders"), To: topicNode("orders")}
				rows := v.Rows(nil, []lineage.Flow{x})
				f := rows.Flow(x)
				bytes, err := f.Bytes(context.Background())
				rate, err2 := f.BytesPerSecond(context.Background())
				if err != nil || err2 != nil || known(bytes) != c.bytes || known(rate) != c.perSecond {
					t.Errorf("%s bytes, %s a second, %v %v; want %s and %s", known(bytes), known(rate), err, err2, c.bytes, c.perSecond)
				}
				// Of all the topics that an application moved as well.
				size, err := rows.Node(topicNode("orders")).Level(context.Background(), lineage.LogBytes)
				if want := "null"; err != nil || len(c.size) == 0 && known(size) != want {
					t.Errorf("%s bytes on disk, %v", known(size), err)
				}
			})
		})
	}
}

// The size of a topic that was created anew is that of the one that exists, also for what was moved before.
func TestBytesOfATopicAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		orders := topic("orders")
		anew := orders
		anew.ID = lineage.TopicID{9}
		for n := 1; n <= 10; n++ {
			now := orders
			var fill []filling
			if n > 5 {
				now = anew
				fill = append(fill, level(self(anew), lineage.LogBytes, 1000), level(self(anew), lineage.Retained, 100))
			}
			switch n {
			case 1:
				fill = append(fill, facts(clusterFact(1), topicFact(orders)))
			case 6:
				fill = append(fill, facts(topicFact(anew)))
			}
			w.observe("west", "all", n, append(fill, w.moved(self(now), lineage.NoEvidence, 5), w.moved(writes(now, producer(1)), lineage.ProducerState, 5))...)
		}
		time.Sleep(time.Until(round(10)))
		v := view(t, answers(w.store), answer.Between(round(2), round(10)), answer.All)
		x := lineage.Flow{From: unidentified("orders"), To: topicNode("orders")}
		rows := v.Rows([]lineage.Node{topicNode("orders")}, []lineage.Flow{x})
		records, size := rows.Flow(x).Records(), 10
		bytes, err := rows.Flow(x).Bytes(context.Background())
		if err != nil || records == nil || bytes == nil || *bytes != int64(size)**records {
			t.Errorf("%s records have %s bytes, %v", known(records), known(bytes), err)
		}
		if n, err := rows.Node(topicNode("orders")).Level(context.Background(), lineage.LogBytes); err != nil || known(n) != "1000" {
			t.Errorf("%s bytes on disk, %v", known(n), err)
		}
		if f := rows.Node(topicNode("orders")).TopicFact(); f == nil || f.Topic != anew {
			t.Errorf("the topic is %+v", f)
		}
	})
}

// A flow of several is the sum of those that count, each by its best evidence.
func TestFlowIsASum(t *testing.T) {
	orders := topic("orders")
	for name, c := range map[string]struct {
		tell      func(w *world) []filling
		records   string
		perSecond string
		estimated bool
	}{
		"one": {func(w *world) []filling {
			return []filling{w.moved(writes(orders, producer(1)), lineage.ProducerState, 7)}
		}, "35", "0.7", false},
		"two": {func(w *world) []filling {
			return []filling{w.moved(writes(orders, producer(1)), lineage.ProducerState, 7), w.moved(writes(orders, producer(2)), lineage.ProducerState, 3)}
		}, "50", "1", false},
		"one a bound": {func(w *world) []filling {
			return []filling{w.moved(writes(orders, producer(1)), lineage.ProducerState, 7), estimated(w.moved(writes(orders, producer(2)), lineage.ProducerState, 3))}
		}, "50", "1", true},
		"one uncounted": {func(w *world) []filling {
			return []filling{w.moved(writes(orders, producer(1)), lineage.ProducerState, 7), sighted(writes(orders, producer(2)), lineage.AuthorizerLog, "")}
		}, "35", "0.7", false},
		"by the better of two": {func(w *world) []filling {
			return []filling{w.moved(writes(orders, producer(1)), lineage.Elimination, 9), w.moved(writes(orders, producer(1)), lineage.ProducerState, 7)}
		}, "35", "0.7", false},
		"by the better of two, the other way round": {func(w *world) []filling {
			return []filling{w.moved(writes(orders, producer(1)), lineage.ProducerState, 7), w.moved(writes(orders, producer(1)), lineage.EndOffsets, 9)}
		}, "35", "0.7", false},
		"none counted": {func(*world) []filling {
			return []filling{sighted(writes(orders, producer(2)), lineage.AuthorizerLog, "")}
		}, "null", "null", false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				for n := 1; n <= 10; n++ {
					fill := append(c.tell(w), w.moved(self(orders), lineage.NoEvidence, 10))
					if n == 1 {
						fill = append(fill, facts(clusterFact(1), topicFact(orders)))
					}
					w.observe("west", "all", n, fill...)
				}
				time.Sleep(time.Until(round(10)))
				v := view(t, answers(w.store), answer.Between(round(5), round(10)), answer.All)
				x := lineage.Flow{From: unidentified("orders"), To: topicNode("orders")}
				f := v.Rows(nil, []lineage.Flow{x}).Flow(x)
				if f.Flow() != x || known(f.Records()) != c.records || known(f.RecordsPerSecond()) != c.perSecond || f.Estimated() != c.estimated {
					t.Errorf("%s records, %s a second, estimated %v; want %s, %s, %v", known(f.Records()), known(f.RecordsPerSecond()), f.Estimated(), c.records, c.perSecond, c.estimated)
				}
			})
		})
	}
}

// When something was seen is told by its evidence within a week; of a topic also by what was told of it, and until when
// it was there.
func TestSeen(t *testing.T) {
	inShop(t, func(t *testing.T, a *answer.Answers, whole *answer.View) {
		later := view(t, a, answer.Between(round(10), round(15)), answer.All)
		of := func(from, to lineage.Node) lineage.Flow { return lineage.Flow{From: from, To: to} }
		for name, c := range map[string]struct {
			v           *answer.View
			flow        lineage.Flow
			first, last int
		}{
			"what goes on":                 {whole, of(topicNode("orders"), application("billing")), 2, 20},
			"what goes on, until then":     {later, of(topicNode("orders"), application("billing")), 2, 15},
			"what ended":                   {whole, of(topicNode("orders"), application("audit")), 2, 4},
			"what ended before the window": {later, of(topicNode("orders"), application("audit")), 2, 4},
		} {
			first, last, err := c.v.Rows(nil, []lineage.Flow{c.flow}).Flow(c.flow).Seen(context.Background())
			if err != nil || !near(first, c.first) || !last.Equal(round(c.last)) {
				t.Errorf("%s: from %s to %s, %v; want rounds %d to %d", name, first, last, err, c.first, c.last)
			}
		}
		for name, c := range map[string]struct {
			v           *answer.View
			node        lineage.Node
			first, last int // rounds; 0: never
		}{
			"a reader":               {whole, application("audit"), 2, 4},
			"a topic that moves":     {later, topicNode("orders"), 1, 15},
			"a topic that rests":     {later, topicNode("quiet"), 1, 15},
			"a topic that is gone":   {later, topicNode("old"), 1, 10},
			"what is not there":      {later, application("never"), 0, 0},
			"a topic that is there":  {whole, topicNode("quiet"), 1, 20},
			"a topic of the east":    {later, lineage.Node{Scope: "east", Kind: lineage.TopicNode, Name: "orders"}, 1, 15},
			"who writes it unseen":   {later, unidentified("payments"), 2, 15},
			"who wrote what is gone": {whole, unidentified("old"), 2, 8},
		} {
			first, last, err := c.v.Rows([]lineage.Node{c.node}, nil).Node(c.node).Seen(context.Background())
			if c.first == 0 {
				if err != nil || !first.IsZero() || !last.IsZero() {
					t.Errorf("%s was seen from %s to %s, %v", name, first, last, err)
				}
				continue
			}
			if err != nil || !near(first, c.first) || !last.Equal(round(c.last)) {
				t.Errorf("%s: from %s to %s, %v; want rounds %d to %d", name, first, last, err, c.first, c.last)
			}
		}
	})
}

// near reports whether an instant is of a round or the one before: what advanced between two readings was seen from the
// first of them on.
func near(t time.Time, n int) bool { return t.Equal(round(n)) || t.Equal(round(n-1)) }

// The evidence of a flow stands by kind and source, with what the newest of it said, and a reason where the count is an
// estimate that nobody explained.
func TestEvidenceOfAFlow(t *testing.T) {
	orders := topic("orders")
	reader, writer := reads(orders, group("job")), writes(orders, producer(1))
	for name, c := range map[string]struct {
		write bool
		tell  func(w *world, n int) []filling
		want  []string // kind: detail
	}{
		"exact": {false, func(w *world, _ int) []filling { return []filling{w.moved(reader, lineage.GroupOffsets, 3)} }, []string{"GROUP_OFFSETS: "}},
		"two kinds": {false, func(w *world, _ int) []filling {
			return []filling{sighted(reader, lineage.GroupMembership, "a member"), w.moved(reader, lineage.GroupOffsets, 3)}
		}, []string{"GROUP_OFFSETS: ", "GROUP_MEMBERSHIP: a member"}},
		"the newest word": {false, func(w *world, n int) []filling {
			return []filling{w.moved(reader, lineage.GroupOffsets, 3), sighted(reader, lineage.GroupMembership, fmt.Sprint("round ", n))}
		}, []string{"GROUP_OFFSETS: ", "GROUP_MEMBERSHIP: round 10"}},
		"an estimate with its reason": {false, func(w *world, _ int) []filling {
			return []filling{estimated(w.moved(reader, lineage.GroupOffsets, 3)), sighted(reader, lineage.GroupOffsets, "at most: it jumped")}
		}, []string{"GROUP_OFFSETS: at most: it jumped"}},
		"that it did not move, and it did": {false, func(w *world, _ int) []filling {
			return []filling{w.moved(reader, lineage.GroupOffsets, 3), sighted(reader, lineage.GroupOffsets, "has committed offsets that did not move since they were first seen; when they were committed the broker does not tell")}
		}, []string{"GROUP_OFFSETS: has committed offsets"}},
		"a bound that does not hold here": {false, func(w *world, _ int) []filling {
			return []filling{w.moved(reader, lineage.GroupOffsets, 3), sighted(reader, lineage.GroupOffsets, "at most: it jumped")}
		}, []string{"GROUP_OFFSETS: "}},
		"an estimate of a group that nobody explains": {
			false, func(w *world, _ int) []filling { return []filling{estimated(w.moved(reader, lineage.GroupOffsets, 3))} },
			[]string{"GROUP_OFFSETS: at most: counted by offsets, some of which are markers of transactions, or were passed without being read"},
		},
		"where a group stands explains nothing": {false, func(w *world, _ int) []filling {
			return []filling{estimated(w.moved(reader, lineage.GroupOffsets, 3)), sighted(reader, lineage.GroupOffsets, "it stands at 7")}
		}, []string{"GROUP_OFFSETS: it stands at 7; at most: counted by offsets, some of which are markers of transactions, or were passed without being read"}},
		"an estimate of a producer": {
			true, func(w *world, _ int) []filling {
				return []filling{estimated(w.moved(writer, lineage.ProducerState, 3))}
			},
			[]string{"PRODUCER_STATE: its producer began anew, or was first seen, between two readings"},
		},
		"some of it at least and some at most": {
			true, func(w *world, n int) []filling {
				other := writes(orders, producer(2))
				fill := []filling{estimated(w.moved(writer, lineage.ProducerState, 3)), estimated(w.moved(other, lineage.ProducerState, 3))}
				if n == 1 {
					fill = append(fill, sighted(writer, lineage.ProducerState, "at most: it was there before"), sighted(other, lineage.ProducerState, "at least: its epoch rose"))
				}
				return fill
			},
			[]string{"PRODUCER_STATE: at most: it was there before; of another part at least: its epoch rose"},
		},
		"some of it at most and some nobody knows which": {
			true, func(w *world, n int) []filling {
				other := writes(orders, producer(2))
				fill := []filling{estimated(w.moved(writer, lineage.ProducerState, 3)), estimated(w.moved(other, lineage.ProducerState, 3))}
				if n == 1 {
					fill = append(fill, sighted(writer, lineage.ProducerState, "it began anew"), sighted(other, lineage.ProducerState, "at most: it was there before"))
				}
				return fill
			},
			[]string{"PRODUCER_STATE: neither at least nor at most: it began anew; of another part at most: it was there before"},
		},
		"some of it at least and some of it, of another kind, nobody knows which": {
			true, func(w *world, n int) []filling {
				other := writes(orders, producer(2))
				fill := []filling{estimated(w.moved(writer, lineage.ProducerState, 3)), estimated(w.moved(other, lineage.Telemetry, 3))}
				if n == 1 {
					fill = append(fill, sighted(writer, lineage.ProducerState, "it began anew"), sighted(other, lineage.Telemetry, "at least: a push was lost"))
				}
				return fill
			},
			[]string{"PRODUCER_STATE: neither at least nor at most: it began anew", "TELEMETRY: at least: a push was lost"},
		},
		"an estimate of a transaction": {
			true, func(w *world, _ int) []filling { return []filling{estimated(w.moved(writer, lineage.Transaction, 3))} },
			[]string{"TRANSACTION: the markers of its transactions are offsets too, and how many there are lies between two bounds"},
		},
		"an estimate of what is left": {
			true, func(w *world, _ int) []filling { return []filling{estimated(w.moved(writer, lineage.EndOffsets, 3))} },
			[]string{"END_OFFSETS: at most: markers of transactions are offsets too, and are among what no counted writer accounts for"},
		},
		"an estimate of a share group": {
			false, func(w *world, _ int) []filling { return []filling{estimated(w.moved(reader, lineage.ShareOffsets, 3))} },
			[]string{"SHARE_OFFSETS: at most: rejected and archived records move the share group's offset too"},
		},
		"an estimate of a copy": {
			true, func(w *world, _ int) []filling { return []filling{estimated(w.moved(writer, lineage.Mirror, 3))} },
			[]string{"MIRROR: at most: counted by offsets of the source, some of which are markers of transactions or were gone before they were copied"},
		},
		"an estimate of anything else": {
			true, func(w *world, _ int) []filling { return []filling{estimated(w.moved(writer, lineage.Telemetry, 3))} },
			[]string{"TELEMETRY: a bound or shared out: its source counts it no better"},
		},
		"the end was not observed": {false, func(w *world, n int) []filling {
			if n == 10 {
				return []filling{missing("lost")}
			}
			return []filling{w.moved(reader, lineage.GroupOffsets, 3)}
		}, []string{"GROUP_OFFSETS: at least: the end of the window was not observed"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				for n := 1; n <= 10; n++ {
					if n == 1 {
						w.observe("west", "end-offsets", n, facts(clusterFact(1), topicFact(orders)))
					} else {
						w.observe("west", "end-offsets", n, w.moved(self(orders), lineage.NoEvidence, 3))
					}
					w.observe("west", "others", n, c.tell(w, n)...)
				}
				time.Sleep(time.Until(round(10)))
				v := view(t, answers(w.store), answer.Between(round(5), round(10)), answer.All)
				x := lineage.Flow{From: topicNode("orders"), To: application("job")}
				if c.write {
					x = lineage.Flow{From: unidentified("orders"), To: topicNode("orders")}
				}
				var got []string
				for _, e := range evidenceOf(t, v.Rows(nil, []lineage.Flow{x}).Flow(x)) {
					got = append(got, e.Kind.String()+": "+e.Detail)
					if e.Source != "west/others" {
						t.Errorf("its source is %q", e.Source)
					}
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}
