package logs

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// at is a line of a client whose records begin at an offset of the topic orders.
func producedAt(client string, offset, n int) string {
	return strings.Replace(produced(client, "orders", n), `"baseOffset":7`, fmt.Sprintf(`"baseOffset":%d`, offset), 1)
}

// refused is a line of a request that wrote nothing, as those of any other client stand in a log that is on.
func refused(n int) string {
	return strings.Replace(produced("other", "orders", n), `"errorCode":0`, `"errorCode":3`, 1)
}

func allowed(principal string, n int) string {
	return fmt.Sprintf("[2026-11-22 21:13:41,%03d] DEBUG Principal = User:%s is Allowed operation = WRITE from host = 10.0.0.7 on resource = Topic:LITERAL:orders for request = Produce with resourceRefCount = 1 based on rule MatchingAcl(x) (kafka.authorizer.logger)", n%1000, principal)
}

// claimedOf returns what was claimed of orders, by client.id, or principal where there is none.
func (w *told) claimedOf() map[string]int64 {
	out := map[string]int64{}
	for _, o := range w.sink.obs {
		for _, s := range o.Samples {
			if s.Metric != lineage.Claimed {
				continue
			}
			name := s.Subject.Client.ClientID
			if s.Evidence == lineage.AuthorizerLog {
				name = s.Subject.Client.Principal
			}
			if s.Subject.Topic.Name != "orders" || s.Subject.Op != lineage.Write || !s.Estimated {
				// of how many brokers nobody knows
				w.Errorf("claimed %+v", s)
			}
			out[name] = s.Value
		}
	}
	return out
}

// TestClaims holds what the logs tell of counts: what lies between the beginnings of requests, each line once, over a
// restart, and nothing where lines are missing.
func TestClaims(t *testing.T) {
	w := newTold(t, nil)
	want := func(stage string, want map[string]int64) {
		t.Helper()
		if got := w.claimedOf(); !maps.Equal(got, want) {
			t.Errorf("%s: claimed %v, want %v", stage, got, want)
		}
	}
	w.next()
	// out of order, as requests end, and one that was sent again
	w.write(producedAt("a", 100, 1), producedAt("b", 117, 2), producedAt("a", 110, 3), producedAt("a", 110, 4), producedAt("b", 120, 5))
	w.next()
	want("one round", map[string]int64{"a": 10 + 7, "b": 3})
	w.write(producedAt("a", 125, 6))
	w.next()
	want("the next", map[string]int64{"a": 17, "b": 8})
	w.start(nil)
	w.write(producedAt("b", 126, 7))
	w.next()
	want("after a restart", map[string]int64{"a": 18, "b": 8})
	w.write(allowed("alice", 8), allowed("alice", 9), allowed("bob", 10))
	w.next()
	want("of the authorizer", map[string]int64{"a": 18, "b": 8, "User:alice": 2, "User:bob": 1})
	w.src.digest.claims.lose()
	w.write(producedAt("a", 900, 11), producedAt("b", 905, 12))
	w.next()
	want("after lines were lost", map[string]int64{"a": 23, "b": 8, "User:alice": 2, "User:bob": 1})
}

// TestLateLinesClaimNothing: what stood in a file before it was followed moved then.
func TestLateLinesClaimNothing(t *testing.T) {
	w := newTold(t, nil)
	w.write(producedAt("a", 100, 1), producedAt("b", 117, 2))
	w.sink.positions = map[string][]byte{}
	w.start(nil)
	w.next()
	if got := w.claimedOf(); len(got) != 0 {
		t.Errorf("claimed %v", got)
	}
}

// TestASilentRequestLog: a request log that was followed and falls silent, while the authorizer's goes on, is a gap:
// who writes and how much is not known any more, and not nothing. After a restart too.
func TestASilentRequestLog(t *testing.T) {
	w := newTold(t, nil)
	w.next()
	w.write(producedAt("a", 100, 1), producedAt("a", 120, 2))
	gaps := func(rounds int) (n int) {
		for i := range rounds {
			from := len(w.sink.obs)
			w.write(allowed("alice", i))
			w.next()
			for _, o := range w.sink.obs[from:] {
				for _, m := range o.Missing {
					if m.All {
						n++
					}
				}
			}
		}
		return n
	}
	if n := gaps(1 + int(silentFor/tick)); n != 0 {
		t.Errorf("%d gaps while it may still come", n)
	}
	if n := gaps(3); n != 3 {
		t.Errorf("%d gaps in 3 rounds after it fell silent", n)
	}
	w.start(nil)
	if n := gaps(3 + int(silentFor/tick)); n == 0 {
		t.Error("after a restart its silence is no gap")
	}
	w.write(producedAt("a", 200, 3))
	if n := gaps(1); n != 0 {
		t.Errorf("%d gaps when it is back", n)
	}
}

// TestAtRest: what follows the newest request is counted up to where the partition ends, once that was seen and nobody
// else has written meanwhile; and not twice when somebody does.
func TestAtRest(t *testing.T) {
	w := newTold(t, nil)
	end := func(n int64) {
		w.board.SetEnds("west-id", w.round, func(string) collector.Ends { return collector.Ends{Offsets: []int64{n}} })
	}
	w.next()
	w.write(producedAt("a", 100, 1), producedAt("b", 117, 2))
	w.next()
	end(150) // it asked for them
	w.write(refused(3))
	want := func(stage string, want map[string]int64) {
		t.Helper()
		if got := w.claimedOf(); !maps.Equal(got, want) {
			t.Errorf("%s: claimed %v, want %v", stage, got, want)
		}
	}
	w.next()
	want("the ends were seen just now", map[string]int64{"a": 17, "b": 0})
	end(150)
	w.write(refused(4))
	w.next()
	want("nobody wrote since", map[string]int64{"a": 17, "b": 33})
	w.start(nil)
	for range 2 {
		end(150)
		w.write(refused(5))
		w.next()
	}
	want("after a restart", map[string]int64{"a": 17, "b": 33})
	w.write(producedAt("a", 150, 3), producedAt("b", 152, 4))
	w.next()
	want("somebody writes again", map[string]int64{"a": 19, "b": 33})
}

// TestSwitchedOff: of a log in which nothing stands any more nobody knows who writes: what a topic grows by then is not
// given to its last writer.
func TestSwitchedOff(t *testing.T) {
	w := newTold(t, nil)
	w.next()
	w.write(producedAt("a", 100, 1), producedAt("b", 117, 2))
	for range 4 {
		w.next()
		w.board.SetEnds("west-id", w.round, func(string) collector.Ends { return collector.Ends{Offsets: []int64{5000}} })
	}
	if got, want := w.claimedOf(), map[string]int64{"a": 17, "b": 0}; !maps.Equal(got, want) {
		t.Errorf("claimed %v, want %v", got, want)
	}
}

// TestClaimsReachBack: what is counted only when the next request comes, rounds later, or when all is at rest, was
// written when its own request's line was; who writes all the time is not blurred over two rounds for a last request.
func TestClaimsReachBack(t *testing.T) {
	w := newTold(t, nil)
	end := func() {
		w.board.SetEnds("west-id", w.round, func(string) collector.Ends { return collector.Ends{Offsets: []int64{1400}} })
	}
	w.next()
	first := w.round.Add(tick)
	w.write(producedAt("burst", 0, 1))
	w.next()
	w.next()
	w.write(producedAt("steady", 300, 2), producedAt("steady", 310, 3), producedAt("steady", 700, 4))
	w.next()
	last := w.round.Add(tick)
	w.write(producedAt("steady", 710, 5), producedAt("steady", 1300, 6))
	w.next()
	w.start(nil) // the rounds are remembered
	for range 2 {
		end()
		w.write(refused(7))
		w.next()
	}
	var got []string
	for _, o := range w.sink.obs {
		for _, x := range o.Samples {
			if x.Metric == lineage.Claimed && x.Value > 0 {
				since := "this round"
				switch {
				case x.Since.Equal(first.Add(-tick)):
					since = "the first"
				case x.Since.Equal(last.Add(-tick)):
					since = "the last"
				case !x.Since.IsZero():
					since = x.Since.String()
				}
				got = append(got, fmt.Sprintf("%s %d since %s", x.Subject.Client.ClientID, x.Value, since))
			}
		}
	}
	slices.Sort(got) // those of one round have no order
	want := []string{"burst 300 since the first", "steady 1000 since this round", "steady 1100 since the last", "steady 400 since this round"}
	if !slices.Equal(got, want) {
		t.Errorf("claimed %q, want %q", got, want)
	}
}

// TestLineOfARoundBefore: what is sent comes a round late, and says when it was written.
func TestLineOfARoundBefore(t *testing.T) {
	t0 := time.Date(2026, 11, 22, 21, 14, 0, 0, time.UTC)
	d := digest{cfg: Config{Interval: tick}, round: t0.Add(3 * tick)}
	for _, x := range []struct{ at, want time.Time }{
		{time.Time{}, d.round}, {t0.Add(5 * time.Second), t0.Add(tick)}, {t0.Add(-time.Hour), d.round}, {t0.Add(25 * time.Second), d.round}, {t0.Add(time.Hour), d.round},
	} {
		if got := d.roundOf(x.at); !got.Equal(x.want) {
			t.Errorf("a line of %s is of round %s, want %s", x.at, got, x.want)
		}
	}
	var c claims
	c.forget()
	o := &lineage.Observation{Round: d.round, Interval: tick}
	c.begin()
	for i, offset := range []int64{0, 50} {
		c.wrote(lineage.Topic{Name: "orders"}, 0, answer{offset: offset, client: lineage.Client{ClientID: "a"}, round: t0.Add(time.Duration(i+1) * tick)}, true)
	}
	c.end(o, func(t lineage.Topic) (lineage.Topic, bool) { return t, true }, func(lineage.Topic) []int32 { return nil })
	if len(o.Samples) != 1 || o.Samples[0].Value != 50 || !o.Samples[0].Since.Equal(t0) {
		t.Errorf("told %+v, want 50 since %s", o.Samples, t0)
	}
}

// TestNamesAndIDsTogether: of two who write one partition, one names the topic and the other has its id.
func TestNamesAndIDsTogether(t *testing.T) {
	id := lineage.TopicID{7}
	orders := lineage.Topic{Name: "orders", ID: id}
	for range 20 { // of a map's order
		var c claims
		c.forget()
		o := &lineage.Observation{Round: time.Date(2026, 11, 22, 21, 14, 0, 0, time.UTC), Interval: tick}
		c.begin()
		for i, offset := range []int64{0, 300, 320, 600, 620} {
			as, who := lineage.Topic{ID: id}, "new"
			if i%3 == 0 {
				as, who = lineage.Topic{Name: "orders"}, "old"
			}
			c.wrote(as, 0, answer{offset: offset, client: lineage.Client{ClientID: who}, round: o.Round}, true)
		}
		c.end(o, func(lineage.Topic) (lineage.Topic, bool) { return orders, true }, func(lineage.Topic) []int32 { return nil })
		got := map[string]int64{}
		for _, x := range o.Samples {
			got[x.Subject.Client.ClientID] = x.Value
		}
		if want := (map[string]int64{"old": 320, "new": 300}); !maps.Equal(got, want) {
			t.Fatalf("claimed %v, want %v", got, want)
		}
	}
}

// TestLinesOutOfOrder: a line that comes a round late, of a request that begins before the newest that was told, says
// nothing more: what lies there was given to somebody.
func TestLinesOutOfOrder(t *testing.T) {
	w := newTold(t, nil)
	w.next()
	w.write(producedAt("a", 100, 1), producedAt("b", 140, 2))
	w.next()
	w.write(producedAt("b", 120, 3), producedAt("a", 150, 4))
	w.next()
	if got, want := w.claimedOf(), (map[string]int64{"a": 40, "b": 10}); !maps.Equal(got, want) {
		t.Errorf("claimed %v, want %v", got, want)
	}
}

// TestTransactionsBetween: what a transactional producer wrote is counted by its transactions, and is nobody's who
// wrote before it; over a restart too.
func TestTransactionsBetween(t *testing.T) {
	w := newTold(t, nil)
	in := func(line string) string {
		return strings.Replace(line, `"transactionalId":null`, `"transactionalId":"tx-1"`, 1)
	}
	w.next()
	w.write(producedAt("a", 100, 1), in(producedAt("t", 110, 2)))
	w.next()
	w.start(nil)
	w.write(producedAt("a", 160, 3), producedAt("a", 170, 4))
	w.next()
	if got, want := w.claimedOf(), (map[string]int64{"a": 20}); !maps.Equal(got, want) {
		t.Errorf("claimed %v, want %v", got, want)
	}
}

// TestForgottenClaims: of topics beyond those that are kept nothing stays behind, nor of one that was made anew.
func TestForgottenClaims(t *testing.T) {
	var c claims
	c.forget()
	o := &lineage.Observation{Round: t0, Interval: tick}
	write := func(name string, id byte) {
		o.Round = o.Round.Add(tick)
		c.begin()
		c.wrote(lineage.Topic{Name: name, ID: lineage.TopicID{id}}, 0, answer{offset: 1, client: lineage.Client{ClientID: "a"}}, true)
		c.end(o, func(t lineage.Topic) (lineage.Topic, bool) { return t, true }, func(lineage.Topic) []int32 { return nil })
	}
	held := map[string]bool{}
	save := func() {
		for _, p := range c.save() {
			if held[p.Key] = true; p.Value == nil {
				delete(held, p.Key)
			}
		}
	}
	for i := range mostClaimed + 5 {
		write(fmt.Sprint("topic-", i), 1)
		save()
	}
	write(fmt.Sprint("topic-", mostClaimed), 2)
	save()
	if len(c.of) > mostClaimed || len(held) != len(c.of) {
		t.Errorf("%d topics are kept, and %d positions", len(c.of), len(held))
	}
}

// unanswered is a line of a client that wants no answer, acks=0: nobody knows where its records begin.
func unanswered(client string, n int) string {
	line := producedAt(client, 0, n)
	from, to := strings.Index(line, `"response":`), strings.Index(line, `,"connection"`)
	return line[:from] + `"response":null` + line[to:]
}

// TestUnansweredRequests: where somebody wrote without being answered, what lies between two others' requests may be
// his: nobody is given it, in that round, behind it, or when the topic comes to rest.
func TestUnansweredRequests(t *testing.T) {
	w := newTold(t, nil)
	want := func(stage string, want map[string]int64) {
		t.Helper()
		if got := w.claimedOf(); !maps.Equal(got, want) {
			t.Errorf("%s: claimed %v, want %v", stage, got, want)
		}
	}
	w.next()
	w.write(producedAt("a", 100, 1), producedAt("b", 110, 2))
	w.next()
	want("two that are answered", map[string]int64{"a": 10, "b": 0})
	w.write(unanswered("z", 3), producedAt("a", 150, 4), producedAt("a", 160, 5))
	w.next()
	want("one that is not, among them", map[string]int64{"a": 10, "b": 0})
	w.write(producedAt("b", 190, 6), producedAt("a", 195, 7))
	w.next()
	want("what came after the last of that round may be his too", map[string]int64{"a": 10, "b": 5})
	w.write(unanswered("z", 8))
	w.next()
	w.start(nil)
	w.write(producedAt("b", 230, 9), producedAt("a", 233, 10))
	w.next()
	want("alone in a round, and after a restart", map[string]int64{"a": 10, "b": 8})
}
