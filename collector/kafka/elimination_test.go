package kafka

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

var teller = lineage.Source{Cluster: "connect-west", Name: "connectors"}

func connectorNode(name string) lineage.Node {
	return lineage.Node{Scope: "connect-west", Kind: lineage.ConnectorNode, Name: name}
}

// ledger is an account whose topic has one partition that only writers without idempotence write to.
type ledger struct {
	t     *testing.T
	a     *account
	board collector.Board
	round time.Time
	log   *fakeLog
	notes []lineage.Sighting
	told  []lineage.Sample // in the newest round
	sums  map[lineage.Client]int64
}

func newLedger(t *testing.T) *ledger {
	l := &ledger{t: t, a: newAccount(lineage.Topic{Cluster: "W", Name: "orders"}), round: t0, log: newFakeLog(), sums: map[lineage.Client]int64{}}
	l.a.open(1, true)
	return l
}

// take takes a round in which n records were written.
func (l *ledger) take(n int64) {
	l.t.Helper()
	l.round = l.round.Add(tick)
	l.log.write(-1, n)
	l.a.waits = l.board.Writers("W").Told
	l.a.begin()
	l.a.setEnd(0, l.log.end)
	if l.a.parts[0].moved {
		l.a.setProducers(0, l.log.readings(), l.log.end, l.round, tick, unnamed)
	}
	l.a.tellEnds(l.round, l.round.Add(-tick))
	samples, notes, ok := l.a.tellBooks(l.round, l.round.Add(-tick), l.board.Writers("W"), eliminationPatience)
	if !ok {
		l.t.Fatal("the books are not known")
	}
	l.notes, l.told = notes, samples
	for _, s := range samples {
		if s.Subject.Op == lineage.Write && s.Metric == lineage.Records {
			l.sums[s.Subject.Client] = s.Value
			if s.Subject.Client.Mover.Kind != lineage.NoKind && (s.Evidence != lineage.Elimination || !s.Estimated) {
				l.t.Errorf("an eliminated count is told as %+v", s)
			}
		}
	}
	sum := l.a.remainder.n
	for _, t := range l.a.eliminated {
		sum += t.n
	}
	for _, h := range l.a.held {
		sum += h.n
	}
	for _, w := range l.a.writers {
		sum += w.n
	}
	if sum != l.a.appended.n {
		l.t.Errorf("the account adds up to %d, appended were %d", sum, l.a.appended.n)
	}
}

// tell says on the board, as of a round, who writes the topic.
func (l *ledger) tell(round time.Time, known bool, names ...string) {
	var movers []lineage.Node
	for _, n := range names {
		movers = append(movers, connectorNode(n))
	}
	l.board.SetWriters(teller, round, known, collector.UncountedWriters{"W": {"orders": movers}})
}

func (l *ledger) want(eliminated, remainder int64) {
	l.t.Helper()
	got, rest := l.sums[lineage.Client{Mover: connectorNode("a")}], l.sums[lineage.Client{Kind: lineage.Remainder}]
	if got != eliminated || rest != remainder {
		l.t.Errorf("a has %d and the remainder %d, want %d and %d", got, rest, eliminated, remainder)
	}
}

func (l *ledger) details() string {
	var all []string
	for _, n := range l.notes {
		all = append(all, n.Detail)
	}
	return strings.Join(all, "; ")
}

// Where workers have exactly-once switched on, their source connectors write with a transactional.id: the remainder is not theirs, and the other mover's if there is one.
func TestEliminationLeavesOutWhoIsCounted(t *testing.T) {
	for id, counted := range map[string]bool{"connect-group-b-0": true, "connect-group-b-x": false, "connect-group-ab-0": false, "b-0": false, "shop-b-0": false} {
		l := newLedger(t)
		l.a.workers = []string{"connect-group"}
		l.a.txns[id] = &writer{}
		l.tell(l.round, true, "a", "b")
		l.take(10)
		l.tell(l.round, true, "a", "b")
		l.take(0)
		if counted {
			l.want(10, 0)
		} else {
			l.want(0, 10)
		}
		if got, _ := l.board.Writers("W").Of("orders"); len(got) != 2 {
			t.Errorf("%s: the board has %v now", id, got)
		}
	}
}

// So does a dedicated MirrorMaker 2 that writes exactly once.
func TestReplicatorThatIsCounted(t *testing.T) {
	a := newAccount(lineage.Topic{Name: "west.orders"})
	a.txns["west-mm2-MirrorSourceConnector-0"] = &writer{}
	for name, want := range map[string]bool{"west->east": true, "north->east": false} {
		if got := a.countsAlready(lineage.Node{Scope: "east", Kind: lineage.ReplicatorNode, Name: name}); got != want {
			t.Errorf("%s is counted: %v", name, got)
		}
	}
}

func TestEliminationGivesTheRemainderToTheOnlyMover(t *testing.T) {
	l := newLedger(t)
	l.tell(l.round, true, "a")
	l.take(10)
	l.want(0, 0) // who tells has not told of this round yet
	l.tell(l.round, true, "a")
	l.take(20)
	l.want(10, 0)
	if !strings.Contains(l.details(), "could hide in it") {
		t.Errorf("the doubt is not told: %q", l.details())
	}
	l.tell(l.round, true)
	l.take(0)
	l.want(30, 0) // it stopped in the round in which these were written
	l.tell(l.round, true)
	l.take(7)
	l.tell(l.round, true)
	l.take(0)
	l.want(30, 7) // it had stopped when these were: decided by that round
	l.tell(l.round, true)
	l.take(5)
	l.tell(l.round, true, "a")
	l.take(0)
	l.want(35, 7)
}

// A mover that is noticed while its first records wait has them.
func TestEliminationWaitsForTheFirstWord(t *testing.T) {
	l := newLedger(t)
	l.board.Expect(teller, "")
	l.take(10)
	l.take(0)
	l.want(0, 0)
	l.tell(l.round, true, "a")
	l.take(0)
	l.want(10, 0)
}

func TestEliminationNamesCandidates(t *testing.T) {
	l := newLedger(t)
	l.tell(l.round, true, "a", "b")
	l.take(10)
	l.tell(l.round, true, "a", "b")
	l.take(0)
	l.want(0, 10)
	if want := "candidates: connector connect-west/a, connector connect-west/b"; !strings.Contains(l.details(), want) {
		t.Errorf("details are %q, want %q", l.details(), want)
	}
	l.take(7)
	l.tell(l.round, false, "a")
	l.take(0)
	l.want(0, 17)
	if want := "was not observed: connector connect-west/a"; !strings.Contains(l.details(), want) {
		t.Errorf("details are %q, want %q", l.details(), want)
	}
}

// Whoever is late is waited for, but not for ever.
func TestEliminationLosesPatience(t *testing.T) {
	l := newLedger(t)
	l.tell(l.round, true, "a")
	l.take(10)
	for range int(eliminationPatience / tick) {
		l.want(0, 0)
		l.take(0)
	}
	l.want(0, 10)
	l.board.Withdraw(teller)
	l.take(4)
	l.want(0, 14) // nobody tells: nothing waits
	if len(l.a.held) != 0 {
		t.Errorf("held are %+v", l.a.held)
	}
}

// What waited is nobody's yet, and it says so; once decided it lands in the span in which it was written, as an estimate, and nothing waits any more.
func TestHeldStepsLandWhereTheyWereWritten(t *testing.T) {
	l := newLedger(t)
	pending := func(c lineage.Client) int64 {
		for _, s := range l.told {
			if s.Metric == lineage.Pending && s.Subject.Client == c {
				return s.Value
			}
		}
		return -1
	}
	rest := lineage.Client{Kind: lineage.Remainder}
	l.take(3)
	first := l.round
	l.board.Expect(teller, "")
	l.take(10)
	l.take(20)
	l.take(30)
	l.want(0, 3)
	if got := pending(rest); got != -1 || !strings.Contains(l.details(), "at least: 60 more records") {
		t.Errorf("in the third round the remainder is pending %d again; details %q", got, l.details())
	}
	l.tell(l.round, true)
	l.take(0)
	l.want(0, 63)
	if got := pending(rest); got != 0 {
		t.Errorf("nothing waits, and the remainder is pending %d", got)
	}
	for _, s := range l.told {
		if s.Metric == lineage.Records && (!s.Since.Equal(first) || !s.Estimated) {
			t.Errorf("what waited is told as %+v, and not since %v as an estimate", s, first)
		}
	}
	l.tell(l.round, true)
	l.take(5)
	if got := pending(rest); got != 1 {
		t.Errorf("a step waits, and the remainder is pending %d", got)
	}
	l.tell(l.round, true, "a")
	l.take(7)
	if a, b := pending(lineage.Client{Mover: connectorNode("a")}), pending(rest); a != 1 || b != -1 { // the remainder is pending since the round before
		t.Errorf("pending are %d and %d", a, b)
	}
	l.tell(l.round, true, "a")
	l.take(9)
	l.want(12, 63)
}

// Who could never see its writers is waited for by nobody: the records are nobody's at once, in their round, exact, and it is said who may have written them.
func TestBlindTellersHoldNothing(t *testing.T) {
	l := newLedger(t)
	other := lineage.Source{Cluster: "connect-east", Name: "connectors"}
	l.board.Expect(other, "")
	for range 3 {
		next := l.round.Add(tick)
		l.board.Blind(other, next)
		l.tell(next, true, "a")
		l.take(10)
		for _, s := range l.told {
			if !s.Since.IsZero() || s.Estimated || s.Metric != lineage.Records {
				t.Errorf("told is %+v", s)
			}
		}
	}
	l.want(0, 30)
	if got := l.details(); !strings.Contains(got, "was not observed: connector connect-west/a, whatever runs on connect-east") {
		t.Errorf("details are %q", got)
	}
	l.board.SetWriters(other, l.round.Add(tick), true, collector.UncountedWriters{"W": {}})
	l.tell(l.round.Add(tick), true, "a")
	l.take(10)
	l.want(10, 30)
}

// Who is late for long holds only the topics that it is known to write.
func TestLateTellersHoldTheirOwnTopics(t *testing.T) {
	for topic, waits := range map[string]bool{"other": false, "orders": true, collector.AnyTopic: true} {
		l := newLedger(t)
		l.board.SetWriters(teller, l.round.Add(-5*tick), true, collector.UncountedWriters{"W": {topic: {connectorNode("a")}}})
		l.take(10)
		if got := len(l.a.held) > 0; got != waits {
			t.Errorf("who writes %q is late: orders wait %v, want %v", topic, got, waits)
		}
	}
}

// Who was late for the whole patience is waited for no more, until it tells again.
func TestPatienceEnds(t *testing.T) {
	const tick = eliminationPatience / 2
	tk := &take{source: &source{cfg: Config{Interval: tick}}, round: t0}
	for i, late := range []bool{true, true, true, true, true, false, true} {
		tk.before, tk.round = tk.round, tk.round.Add(tick)
		w := collector.Writers{Told: true}
		if !late {
			w.AsOf = tk.before
		}
		if got, want := tk.patience(w) > 0, i < 3 || i > 4; got != want {
			t.Errorf("round %d: waits %v, want %v", i, got, want)
		}
	}
}

// A producer that the broker counts is nobody's remainder.
func TestEliminationLeavesProducersAlone(t *testing.T) {
	l := newLedger(t)
	l.tell(l.round, true, "a")
	l.log.write(7, 100)
	l.take(10)
	l.tell(l.round, true, "a")
	l.take(0)
	if got := l.a.writers[7].n; got != 100 {
		t.Errorf("the producer has %d, want 100", got)
	}
	if got := l.a.eliminated[connectorNode("a")].n; got != 10 {
		t.Errorf("the connector has %d, want 10", got)
	}
}

// Held steps and totals survive a restart.
func TestEliminationIsSaved(t *testing.T) {
	l := newLedger(t)
	l.tell(l.round, true, "a")
	l.take(10)
	l.tell(l.round, true, "a")
	l.take(20)
	tp := &topic{account: l.a}
	back, err := decodeTopic(l.a.topic.ID, l.a.topic.Cluster, tp.encode(), l.round)
	if err != nil {
		t.Fatal(err)
	}
	l.a = back.account
	l.tell(l.round, true, "a")
	l.take(0)
	l.want(30, 0)
}

// Whatever is told, and when: nothing is lost, nothing counts twice, and nothing is a mover's that was not told to write.
func TestEliminationLaw(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 7))
		l := newLedger(t)
		for range 40 {
			l.take(r.Int64N(3) * r.Int64N(50))
			switch r.IntN(6) {
			case 0:
				l.board.Withdraw(teller)
			case 1:
				l.board.Expect(teller, "")
			case 2:
				l.tell(l.round.Add(-time.Duration(r.IntN(5))*tick), r.IntN(4) > 0, []string{"a", "b"}[:r.IntN(3)]...)
			case 3:
				tp := &topic{account: l.a}
				back, err := decodeTopic(l.a.topic.ID, l.a.topic.Cluster, tp.encode(), l.round)
				if err != nil {
					t.Fatal(err)
				}
				l.a = back.account
			default:
				l.tell(l.round, true, "a")
			}
		}
		if l.a.eliminated[connectorNode("b")] != nil {
			t.Fatalf("seed %d: b never wrote alone", seed)
		}
		if !slices.IsSortedFunc(l.a.held, func(x, y heldStep) int { return x.round.Compare(y.round) }) {
			t.Fatalf("seed %d: held steps are out of order", seed)
		}
	}
}

// On a cluster: a connector is told to write, and the records of a writer without idempotence are its own; the board has the cluster and its ends.
func TestEliminationOnACluster(t *testing.T) {
	w := newWorld(t, 1)
	board := &collector.Board{}
	w.start(Config{Board: board})
	w.topic("orders", 2)
	w.take(1)
	c, ok := board.Cluster("west")
	if !ok || c.ID == "" || !slices.Contains(c.Topics, "orders") || len(c.Brokers) == 0 {
		t.Fatalf("the board has %+v, %v", c, ok)
	}
	board.WantEnds(c.ID, "orders")
	a := connectorNode("a")
	tell := func() { board.SetWriters(teller, w.round, true, collector.UncountedWriters{c.ID: {"orders": {a}}}) }
	tell()
	w.write("orders", 0, 3)
	w.write("orders", 1, 2)
	w.take(1)
	tell()
	w.take(1)
	if ends := board.Ends(c.ID, "orders", w.round); !slices.Equal(ends.Offsets, []int64{3, 2}) || ends.Transactional {
		t.Errorf("ends on the board are %v", ends)
	}
	n, _ := w.rec.sum("orders", lineage.Records, func(x lineage.Access) bool { return x.Client.Mover == a })
	rest, _ := w.rec.sum("orders", lineage.Records, func(x lineage.Access) bool { return x.Client.Kind == lineage.Remainder })
	if n != 5 || rest != 0 {
		t.Errorf("the connector has %d and the remainder %d, want 5 and 0", n, rest)
	}
	w.start(Config{Board: board}) // the books go on
	w.write("orders", 0, 4)
	w.take(1)
	tell()
	w.take(1)
	if n, _ = w.rec.sum("orders", lineage.Records, func(x lineage.Access) bool { return x.Client.Mover == a }); n != 9 {
		t.Errorf("after a restart the connector has %d, want 9", n)
	}
}

// Where counted writers may be among those who wrote it, a step is nobody's by elimination: producers that may not be read. What several transactional applications share is not the mover's either.
func TestEliminationLeavesWhatOthersMayHaveWritten(t *testing.T) {
	l := newLedger(t)
	l.tell(l.round, true, "a")
	take := func(book func()) {
		t.Helper()
		l.round = l.round.Add(tick)
		l.a.waits = true
		l.a.begin()
		l.a.setEnd(0, l.log.end)
		book()
		l.a.tellEnds(l.round, l.round.Add(-tick))
		_, l.notes, _ = l.a.tellBooks(l.round, l.round.Add(-tick), l.board.Writers("W"), eliminationPatience)
		l.tell(l.round, true, "a")
	}
	l.log.write(7, 1000)
	take(func() { l.a.denyPartition(0) })
	take(func() {})
	if e := l.a.eliminated[connectorNode("a")]; e != nil || l.a.remainder.n != 1000 {
		t.Errorf("unread: the mover has %+v, the remainder %d", e, l.a.remainder.n)
	}
	if want := "could not tell apart: connector connect-west/a"; !strings.Contains(l.details(), want) {
		t.Errorf("details are %q, want %q", l.details(), want)
	}
	l.a.allow()
	take(func() { l.a.setProducers(0, l.log.readings(), l.log.end, l.round, tick, unnamed) })
	l.log.end += 22
	two := append(l.log.readings(), producerReading{id: 1, epoch: 1, lastSequence: -1, txnStart: -1, transactional: true}, producerReading{id: 2, epoch: 1, lastSequence: -1, txnStart: -1, transactional: true})
	take(func() {
		l.a.setProducers(0, two, l.log.end, l.round, tick, func(id int64) txnName { return txnName{fmt.Sprint(id), fmt.Sprint(id)} })
	})
	take(func() {})
	if e := l.a.eliminated[connectorNode("a")]; e != nil || l.a.remainder.n != 1000 {
		t.Errorf("two applications: the mover has %+v, the remainder %d", e, l.a.remainder.n)
	}
	l.log.write(-1, 5)
	take(func() { l.a.setProducers(0, two, l.log.end, l.round, tick, unnamed) })
	take(func() {})
	if e := l.a.eliminated[connectorNode("a")]; e == nil || e.n != 5 {
		t.Errorf("afterwards the mover has %+v", e)
	}
}

// A transactional producer's count is an estimate where a mover is known to write the topic too. What the sequence does not count is then not taken for markers.
func TestTransactionsBesideAMover(t *testing.T) {
	look := func(end int64, r producerReading) (*account, lineage.Sample, []lineage.Sighting) {
		a := newAccount(lineage.Topic{Cluster: "W", Name: "orders"})
		a.open(1, true)
		a.contested = true
		a.begin()
		a.setEnd(0, end)
		a.setProducers(0, []producerReading{r}, -1, t0, tick, func(int64) txnName { return txnName{"x", "x"} })
		samples, sightings, _ := a.tellBooks(t0, t0.Add(-tick), collector.Writers{}, 0)
		for _, s := range samples {
			if s.Subject.Client.TransactionalID == "x" {
				return a, s, sightings
			}
		}
		t.Fatalf("samples %+v", samples)
		return nil, lineage.Sample{}, nil
	}
	_, s, notes := look(1501, producerReading{id: 9, epoch: 1, lastSequence: -1, txnStart: -1, transactional: true})
	if s.Value != 1500 || !s.Estimated || len(notes) == 0 || !strings.Contains(notes[0].Detail, "its records may be among these") {
		t.Errorf("by epoch: %+v, %+v", s, notes)
	}
	a, s, _ := look(1501, producerReading{id: 9, lastSequence: 999, txnStart: -1, transactional: true})
	if s.Value != 1000 || a.markers != 1 || a.remainder.n != 500 {
		t.Errorf("by sequence: %+v, %d markers, remainder %d", s, a.markers, a.remainder.n)
	}
}
