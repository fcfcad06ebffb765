package answer_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// What was read over a time that reaches beyond a window is no proof that it moved within: a reader whose step can have
// been in any of ten ticks is not known to have moved in one of them, and surely did in all of them together, or where
// another step lies within.
func TestStepThatReachesBeyond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := topic("a")
		s := newPlay(t, writes(a, group("web")), reads(a, group("late")))
		late := s.accesses[1]
		for n := 1; n <= 40; n++ {
			s.moves[s.accesses[0]][n] = true
			if n == 20 || n == 21 {
				s.observe("west", "groups", n, func(o *lineage.Observation) {
					s.moved(late, lineage.GroupOffsets, 4)(o)
					if n == 20 {
						o.Samples[len(o.Samples)-1].Since = round(10)
					}
				})
			} else {
				s.observe("west", "groups", n)
			}
		}
		s.run(40)
		time.Sleep(time.Until(round(40)) + time.Second)
		who := answers(s.store)
		f := lineage.Flow{From: topicNode("a"), To: application("late")}
		for what, c := range map[string]struct {
			from, to int
			active   string
			records  string
		}{
			"before it can have been":   {5, 9, "false", "0"},
			"a tick of it":              {12, 13, "null", "null"}, // less than half a record
			"the tick that was told":    {19, 20, "null", "null"},
			"half of it":                {13, 19, "null", "2"},
			"all but a tick of it":      {10, 19, "null", "4"},
			"all of it":                 {10, 20, "true", "4"},
			"a tick of it and the next": {19, 21, "true", "4"},
			"the next":                  {20, 21, "true", "4"},
			"after it":                  {21, 30, "false", "0"},
		} {
			v := view(t, who, answer.Between(round(c.from), round(c.to)), answer.All)
			is := v.Rows(nil, []lineage.Flow{f}).Flow(f)
			active, records := "null", "null"
			if x := is.Active(); x != nil {
				active = map[bool]string{true: "true", false: "false"}[*x]
			}
			if n := is.Records(); n != nil {
				records = string(rune('0' + *n))
			}
			if active != c.active || records != c.records {
				t.Errorf("%s: active %s, %s records, want %s and %s", what, active, records, c.active, c.records)
			}
			if e := evidenceOf(t, is)[0]; strings.Contains(e.Detail, "all of it may have moved outside") != (c.active == "null") {
				t.Errorf("%s: %q", what, e.Detail)
			}
		}
		d := diffOf(t, who, answer.DiffAsk{Before: between(11, 13), After: between(15, 17)})
		if got := toldDiff(d); got != "?a>late" || !strings.Contains(d.Unknown[0].Why, "beyond a window") {
			t.Errorf("what may have moved in either of two windows: %q, %+v", got, d.Unknown)
		}
		d = diffOf(t, who, answer.DiffAsk{Before: between(11, 13), After: between(20, 21)})
		if got := toldDiff(d); got != "?a>late" {
			t.Errorf("what may have moved in the first and did in the second: %q, %+v", got, d.Unknown)
		}
	})
}

// A way over a step that may have been outside of the window is not known, and one over all of it is.
func TestPathsOverAStepThatReachesBeyond(t *testing.T) {
	s := newPlay(t, writes(topic("a"), group("web")), reads(topic("a"), group("late")))
	for n := 1; n <= 40; n++ {
		s.moves[s.accesses[0]][n] = true
	}
	s.run(40)
	for n := range 41 {
		s.observe("west", "groups", n, func(o *lineage.Observation) {
			if n == 20 {
				s.moved(s.accesses[1], lineage.GroupOffsets, 4)(o)
				o.Samples[0].Since = round(10)
			}
		})
	}
	for to, want := range map[int]answer.Reached{9: answer.NotReached, 16: answer.ReachedUnknown, 20: answer.CanHaveReached} {
		got := pathsOf(t, view(t, answers(s.store), answer.Between(round(8), round(to)), answer.All), topicNode("a"), application("late"))
		if got.Reached != want {
			t.Errorf("up to round %d: %d, want %d: %q", to, got.Reached, want, doubts(got))
		}
		if unknown := want == answer.ReachedUnknown; unknown && !strings.Contains(doubts(got)[0], "reaches beyond the window") {
			t.Errorf("%q", doubts(got))
		}
	}
}

// Of a topic that did not grow nobody wrote anything, also where what was left of it before waits for a source that is
// late.
func TestPendingWriterOfATopicThatRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := topic("a"), topic("b")
		rests, grows := writes(a, lineage.Client{Kind: lineage.Remainder}), writes(b, lineage.Client{Kind: lineage.Remainder})
		w := newWorld(t)
		for n := 1; n <= 30; n++ {
			fill := []filling{w.moved(self(b), lineage.NoEvidence, 10)}
			if n == 1 {
				fill = append(fill, facts(clusterFact(2), topicFact(a), topicFact(b)))
			}
			if n == 5 {
				for _, x := range []lineage.Access{rests, grows} {
					fill = append(fill, w.moved(x, lineage.EndOffsets, 3), level(x, lineage.Pending, 1))
				}
			}
			if n == 1 || n == 5 {
				fill = append(fill, w.moved(self(a), lineage.NoEvidence, 3))
			}
			w.observe("west", "all", n, fill...)
		}
		time.Sleep(time.Until(round(30)) + time.Second)
		v := view(t, answers(w.store), answer.Between(round(20), round(25)), answer.All)
		of := func(name string) *bool {
			f := lineage.Flow{From: lineage.Node{Scope: "west", Kind: lineage.UnidentifiedNode, Name: name}, To: topicNode(name)}
			return v.Rows(nil, []lineage.Flow{f}).Flow(f).Active()
		}
		if is := of("a"); is == nil || *is {
			t.Errorf("nothing was written, and active is %v", is)
		}
		if is := of("b"); is != nil {
			t.Errorf("something was written, nobody knows by whom yet, and active is %v", *is)
		}
	})
}

// Whether a topic grew is known by who looks at its ends, and not by who looks at its size now and then: where the ends
// were not read, nobody is said to have had nothing to read.
func TestTopicWhoseEndsWereNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := topic("a")
		still := reads(a, group("still"))
		slow := func(ticks int) filling {
			return func(o *lineage.Observation) { o.Interval = time.Duration(ticks) * tick }
		}
		w := newWorld(t)
		for n := 1; n <= 31; n++ {
			var fill []filling
			switch n {
			case 1:
				fill = []filling{facts(clusterFact(1), topicFact(a)), w.moved(self(a), lineage.NoEvidence, 5)}
			case 29, 31:
				fill = []filling{missing("no answer in time")}
			}
			w.observe("west", "end-offsets", n, fill...)
			if n%3 == 0 && n < 28 {
				w.observe("west", "share-groups", n, slow(3), w.moved(still, lineage.ShareOffsets, map[bool]int64{true: 5}[n == 3]), level(still, lineage.Lag, 0))
			}
			if n%6 == 0 {
				w.observe("west", "log-dirs", n, slow(6), level(self(a), lineage.LogBytes, int64(n)))
			}
		}
		time.Sleep(time.Until(round(29)) + time.Second)
		f := lineage.Flow{From: topicNode("a"), To: application("still")}
		for end, known := range map[int]bool{28: true, 29: false} {
			v := view(t, answers(w.store), answer.Between(round(20), round(end)), answer.All)
			if is := v.Rows(nil, []lineage.Flow{f}).Flow(f).Active(); (is != nil) != known || known && *is {
				t.Errorf("up to round %d: active is %v", end, is)
			}
		}
	})
}

// An account closes by where readers stand and topics end, although it is not known when the records were read that a
// commit within the window tells of.
func TestBalanceClosesOverAStepThatReachesBeyond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := topic("orders")
		r := reads(o, group("audit"))
		a := accountOf(t, r, func(n int) []filling {
			return []filling{counts(self(o), lineage.Appended, lineage.NoEvidence, int64(100*n))}
		}, func(n int) []filling {
			read, lag := int64(10), int64(100*n-10)
			if n >= 8 {
				read, lag = 510, lag-500
			}
			if n >= 18 {
				read, lag = 1010, lag-500
			}
			return []filling{counts(r, lineage.Records, lineage.GroupOffsets, read), level(r, lineage.Lag, lag), func(obs *lineage.Observation) {
				if n == 8 || n == 18 { // since before the window, and since within it
					obs.Samples[0].Since = round(n - 4)
				}
			}}
		})
		if a.AddsUp == nil || !*a.AddsUp {
			t.Errorf("adds up is %v: %+v", a.AddsUp, a)
		}
		if n, ok := a.Shortfall.Exact(); !ok || n != 0 {
			t.Errorf("shortfall %+v", a.Shortfall)
		}
		if _, ok := a.Read.Exact(); ok {
			t.Errorf("when it was read is known: %+v", a.Read)
		}
	})
}

// What is at most the count of a time of which a window has a part is no bound of what moved in the window.
func TestPartOfABoundIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		orders := topic("orders")
		late := reads(orders, group("late"))
		for n := 1; n <= 40; n++ {
			if n > 10 && n < 20 {
				w.observe("west", "all", n, missing("no answer"))
				continue
			}
			read := estimated(w.moved(late, lineage.GroupOffsets, map[bool]int64{n == 20: 100, n < 5: 7}[true]))
			w.observe("west", "all", n, facts(clusterFact(1), topicFact(orders)), w.moved(self(orders), lineage.NoEvidence, 10), sighted(late, lineage.GroupOffsets, "at most: it jumped"), func(o *lineage.Observation) {
				read(o)
				if n == 20 {
					o.Samples[len(o.Samples)-1].Since = round(10)
				}
			})
		}
		time.Sleep(time.Until(round(40)) + time.Second)
		for from, want := range map[int]string{
			15: "at most: it jumped; neither at least nor at most: shared out evenly over the time between two readings, of which the window has a part",
			9:  "at most: it jumped",
		} {
			v := view(t, answers(w.store), answer.Between(round(from), round(22)), answer.All)
			f := v.Rows(nil, []lineage.Flow{{From: topicNode("orders"), To: application("late")}}).Flow(lineage.Flow{From: topicNode("orders"), To: application("late")})
			if got := evidenceOf(t, f)[0].Detail; !strings.HasPrefix(got, want) || !f.Estimated() {
				t.Errorf("from round %d: %q, want %q", from, got, want)
			}
		}
	})
}
