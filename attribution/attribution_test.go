package attribution

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

const (
	patience = 3
	silent   = 90
)

var orders = lineage.Topic{Cluster: "W", Name: "orders", ID: lineage.TopicID{1}}

func connector(name string) lineage.Node {
	return lineage.Node{Scope: "connect-west", Kind: lineage.ConnectorNode, Name: name}
}

// book makes ledgers. Sources are by name; a round that a source took without seeing anything is in missed.
type book struct {
	told   map[string]*lineage.Told
	by     map[string]string
	rounds map[string][]int64
	missed map[string]map[int64]bool
	notes  []lineage.Word // by tick
}

func newBook() *book {
	return &book{told: map[string]*lineage.Told{}, by: map[string]string{}, rounds: map[string][]int64{}, missed: map[string]map[int64]bool{}}
}

// look takes a round of a source.
func (b *book) look(source string, at int64, saw bool) {
	b.rounds[source] = append(b.rounds[source], at)
	slices.Sort(b.rounds[source])
	if !saw {
		if b.missed[source] == nil {
			b.missed[source] = map[int64]bool{}
		}
		b.missed[source][at] = true
	}
}

// tell adds a reading of a series that a source tells.
func (b *book) tell(source string, t lineage.Told, r lineage.Reading) {
	key := fmt.Sprint(t.Access, t.Metric, t.Evidence)
	x := b.told[key]
	if x == nil {
		x = &t
		b.told[key], b.by[key] = x, source
	}
	x.Readings = append(x.Readings, r)
	slices.SortFunc(x.Readings, func(a, b lineage.Reading) int { return cmp.Compare(a.To, b.To) })
}

// grow says that a topic grew by n at a round of kafka, of which nobody knows whose they are.
func (b *book) grow(m lineage.Metric, from, to, n int64) {
	b.tell("kafka", lineage.Told{Access: lineage.Access{Topic: orders}, Metric: m}, lineage.Reading{From: from, To: to, Value: n})
}

func (b *book) runs(source string, at int64, mover lineage.Node, topic string, level int64) {
	t := lineage.Topic{Cluster: "W", Name: topic}
	b.tell(source, lineage.Told{Access: lineage.Access{Topic: t, Op: lineage.Write, Client: lineage.Client{Mover: mover}}, Metric: lineage.Runs},
		lineage.Reading{From: at - 1, To: at, Value: level})
}

func (b *book) write(source string, m lineage.Metric, c lineage.Client, e lineage.EvidenceKind, from, to, n int64) {
	b.tell(source, lineage.Told{Access: lineage.Access{Topic: orders, Op: lineage.Write, Client: c}, Metric: m, Evidence: e}, lineage.Reading{From: from, To: to, Value: n})
}

// ledger is the book from a tick on. order, where there is one, shuffles what has no order.
func (b *book) ledger(after int64, order *rand.Rand) *lineage.Ledger {
	l := &lineage.Ledger{Topic: orders, After: after, Until: 1 << 40, Patience: patience, Silent: silent}
	for _, n := range b.notes {
		if n.At > after {
			l.Notes = append(l.Notes, n)
		}
	}
	var names []string
	for name := range b.rounds {
		names = append(names, name)
	}
	slices.Sort(names)
	var keys []string
	for key := range b.told {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	if order != nil {
		order.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		order.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	}
	for _, name := range names {
		rounds, missed := b.rounds[name], b.missed[name]
		l.Lookers = append(l.Lookers, lineage.Looker{
			Source: lineage.Source{Name: name}, Newest: rounds[len(rounds)-1],
			Last: func(t int64) int64 {
				i, there := slices.BinarySearch(rounds, t)
				if there {
					return t
				}
				return append([]int64{0}, rounds...)[i]
			},
			Saw: func(_ *lineage.Access, from, to int64) bool {
				for t := from + 1; t <= to; t++ {
					if _, there := slices.BinarySearch(rounds, t); !there || missed[t] {
						return false
					}
				}
				return true
			},
		})
	}
	for _, key := range keys {
		t := *b.told[key]
		if name := t.Access.Topic.Name; name != "" && name != orders.Name {
			continue
		}
		t.By = slices.Index(names, b.by[key])
		for len(t.Readings) > 0 && t.Readings[0].To <= after {
			t.Level, t.Readings = t.Readings[0].Value, t.Readings[1:]
		}
		l.Told = append(l.Told, t)
	}
	return l
}

// settle settles the book from a tick on. Sources are then numbered by name.
func (b *book) settle(after int64, order *rand.Rand) ([]lineage.Settled, int64) {
	l := b.ledger(after, order)
	settled, open := Settle(l)
	for i, x := range settled {
		settled[i].By = int(l.Lookers[x.By].Source.Name[0])
	}
	return settled, open
}

// account is what a book settles to, by client.
func (b *book) account() (map[lineage.Client]int64, string) {
	settled, _ := Settle(b.ledger(0, nil))
	sums, words := map[lineage.Client]int64{}, []string{}
	for _, x := range settled {
		if x.Metric != lineage.Records {
			continue
		}
		for _, r := range x.Readings {
			sums[x.Access.Client] += r.Value
		}
		for _, w := range x.Words {
			words = append(words, fmt.Sprintf("%d %s", w.At, w.Text))
		}
	}
	return sums, strings.Join(words, "\n")
}

func (b *book) want(t *testing.T, want map[lineage.Client]int64) string {
	t.Helper()
	got, words := b.account()
	for c, n := range got {
		if n == 0 {
			delete(got, c)
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("settled to\n%v, want\n%v\n%s", got, want, words)
	}
	return words
}

func mover(name string) lineage.Client { return lineage.Client{Mover: connector(name)} } //nolint:unparam // as connector

// watched is a book of ten rounds in which kafka and Connect look, and 10 records are written in each.
func watched(connect func(b *book)) *book {
	b := newBook()
	for t := int64(1); t <= 10; t++ {
		b.look("kafka", t, true)
		b.grow(lineage.Left, t-1, t, 10)
	}
	connect(b)
	return b
}

func (b *book) looks(source string, from, to int64) {
	for t := from; t <= to; t++ {
		b.look(source, t, true)
	}
}

// What is left is the only mover's that ran, by steps: from the one that ended when it began, which was in it, to the
// one that it stopped in.
func TestRestIsTheOnlyMovers(t *testing.T) {
	b := watched(func(b *book) {
		b.looks("connect", 1, 10)
		b.runs("connect", 3, connector("a"), "orders", 1)
		b.runs("connect", 6, connector("a"), "orders", 0)
	})
	words := b.want(t, map[lineage.Client]int64{mover("a"): 40, nobody: 60})
	if !strings.Contains(words, "could hide in it") {
		t.Errorf("the doubt is not told: %s", words)
	}
}

// With nobody who tells of movers nothing waits.
func TestNobodyTells(t *testing.T) {
	watched(func(*book) {}).want(t, map[lineage.Client]int64{nobody: 100})
}

func TestCandidates(t *testing.T) {
	f := func(want string, connect func(b *book)) {
		t.Helper()
		b := watched(func(b *book) {
			b.runs("connect", 1, connector("a"), "orders", 1)
			connect(b)
		})
		words := b.want(t, map[lineage.Client]int64{nobody: 100})
		if !strings.Contains(words, want) {
			t.Errorf("words are\n%s\nwant %q", words, want)
		}
	}
	f("candidates: connector connect-west/a, connector connect-west/b", func(b *book) {
		b.looks("connect", 1, 10)
		b.runs("connect", 1, connector("b"), "orders", 1)
	})
	f("was not observed: connector connect-west/a", func(b *book) {
		for i := int64(1); i <= 10; i++ {
			b.look("connect", i, false)
		}
	})
	f("was not observed: connector connect-west/a, connector connect-west/v", func(b *book) {
		// one that may write any topic
		b.looks("connect", 1, 10)
		b.runs("connect", 1, connector("v"), "", 1)
	})
	f("was not observed: connector connect-west/a, whatever runs on connect-east", func(b *book) {
		b.looks("connect", 1, 10)
		b.looks("east", 1, 10)
		b.runs("east", 1, lineage.Node{Scope: "connect-east", Kind: lineage.ConnectorNode}, "", lineage.Unknown)
	})
}

// What counted writers may have written is nobody's by elimination.
func TestMixedIsNobodys(t *testing.T) {
	b := watched(func(b *book) {
		b.looks("connect", 1, 10)
		b.runs("connect", 1, connector("a"), "orders", 1)
		b.grow(lineage.Mixed, 4, 5, 7)
	})
	if words := b.want(t, map[lineage.Client]int64{mover("a"): 100, nobody: 7}); !strings.Contains(words, "could not tell apart: connector connect-west/a") {
		t.Errorf("words are %s", words)
	}
}

// A step waits for who is late, is pending meanwhile, and not for ever; what it turns out to be lands in its own step.
func TestLateTellersAreWaitedFor(t *testing.T) {
	at := func(told int64) (open int64, settled []lineage.Settled) {
		b := watched(func(b *book) {
			b.looks("connect", 1, told)
			b.runs("connect", 1, connector("a"), "orders", 1)
		})
		settled, open = Settle(b.ledger(0, nil))
		return open, settled
	}
	find := func(settled []lineage.Settled, m lineage.Metric, c lineage.Client) lineage.Settled {
		i := slices.IndexFunc(settled, func(x lineage.Settled) bool { return x.Metric == m && x.Access.Client == c })
		if i < 0 {
			return lineage.Settled{}
		}
		return settled[i]
	}
	if open, settled := at(10); open != 0 || len(find(settled, lineage.Pending, mover("a")).Readings) > 0 {
		t.Errorf("all is told, and %d waits: %+v", open, settled)
	}
	open, settled := at(5)
	rest := find(settled, lineage.Records, nobody)
	if open != 8 || len(rest.Readings) != 2 || rest.Readings[1].To != 7 { // 6 and 7 have waited for long enough
		t.Errorf("open is %d, nobody's are %+v", open, rest)
	}
	if got := find(settled, lineage.Records, mover("a")).Readings; len(got) != 5 || got[4].To != 5 {
		t.Errorf("a has %+v", got)
	}
	for _, c := range []lineage.Client{mover("a"), nobody} {
		p := find(settled, lineage.Pending, c).Readings
		if len(p) != 10 || p[6].Value != 0 || p[7].Value != 1 || p[9].Value != 1 {
			t.Errorf("pending of %v is %+v", c, p)
		}
	}
}

// Who is late by more than a step, and known to write other topics only, is not waited for. Who has long been silent is
// switched off.
func TestLateTellersHoldTheirOwnTopics(t *testing.T) {
	for topic, want := range map[string]int64{"other": 0, "orders": 8, "": 8} {
		b := watched(func(b *book) {
			b.looks("connect", 1, 5)
			b.runs("connect", 1, connector("a"), topic, 1)
		})
		if _, open := Settle(b.ledger(0, nil)); open != want {
			t.Errorf("who writes %q is late: open is %d, want %d", topic, open, want)
		}
	}
	for told, want := range map[int64]int64{5: 0, 8: 9, 9: 10, 10: 0} {
		// nothing of its was seen to run: it may by the step in which it is late
		b := watched(func(b *book) {
			b.looks("connect", 1, told)
			b.runs("connect", 1, lineage.Node{Scope: "connect-west", Kind: lineage.ConnectorNode}, "", 0)
		})
		if _, open := Settle(b.ledger(0, nil)); open != want {
			t.Errorf("who tells told of %d: open is %d, want %d", told, open, want)
		}
	}
	b := newBook()
	b.look("kafka", 200, true)
	b.grow(lineage.Left, 199, 200, 10)
	b.look("gone", 100, true)
	b.runs("gone", 100, connector("x"), "orders", 1)
	b.looks("connect", 199, 200)
	b.runs("connect", 199, connector("a"), "orders", 1)
	b.want(t, map[lineage.Client]int64{mover("a"): 10})
}

// A step over a gap is a mover's only where it was seen to be alone in all of it, and the store holds all of it.
func TestStepsOverAGap(t *testing.T) {
	f := func(beyond bool, want lineage.Client, connect func(b *book)) {
		t.Helper()
		b := newBook()
		b.looks("kafka", 1, 1)
		b.looks("kafka", 10, 10)
		b.grow(lineage.Left, 1, 10, 10)
		for _, x := range b.told {
			x.Readings[0].Beyond = beyond
		}
		b.runs("connect", 1, connector("a"), "orders", 1)
		connect(b)
		b.want(t, map[lineage.Client]int64{want: 10})
	}
	f(false, mover("a"), func(b *book) { b.looks("connect", 1, 10) })
	f(true, nobody, func(b *book) { b.looks("connect", 1, 10) })
	f(false, nobody, func(b *book) { b.looks("connect", 1, 4); b.looks("connect", 6, 10) })
	f(false, nobody, func(b *book) {
		b.looks("connect", 1, 10)
		b.runs("connect", 4, connector("b"), "orders", 1)
		b.runs("connect", 5, connector("b"), "orders", 0)
	})
}

// Where more is left of a step than is told, as what a producer's count may hold of it, the mover that it is given to
// is not at most that.
func TestEliminationWhereMoreIsLeft(t *testing.T) {
	for note, want := range map[string]lineage.Bounds{
		"": {Most: true}, "at most: markers of transactions may be among these": {Most: true}, "at least: more may be in another's count": {Most: true, Least: true},
	} {
		b := newBook()
		b.looks("kafka", 1, 3)
		b.looks("connect", 1, 3)
		b.runs("connect", 1, connector("a"), "orders", 1)
		b.grow(lineage.Left, 1, 2, 10)
		if note != "" {
			b.notes = []lineage.Word{{At: 2, Text: note}}
		}
		settled, _ := Settle(b.ledger(0, nil))
		i := slices.IndexFunc(settled, func(x lineage.Settled) bool { return x.Evidence == lineage.Elimination })
		if i < 0 || len(settled[i].Words) != 1 || lineage.BoundsOf(settled[i].Words[0].Text) != want {
			t.Errorf("%q: %+v, want %+v", note, settled, want)
		}
	}
}

// A mover that is counted under another name has nothing of what is left, and another has it then.
func TestWhoIsCountedIsNoCandidate(t *testing.T) {
	for level, want := range map[int64]map[lineage.Client]int64{1: {mover("a"): 100}, 0: {nobody: 100}} {
		b := watched(func(b *book) {
			b.looks("connect", 1, 10)
			b.runs("connect", 1, connector("a"), "orders", 1)
			b.runs("connect", 1, connector("b"), "orders", 1)
			txn := lineage.Client{TransactionalID: "workers-b-0"}
			b.write("kafka", lineage.Records, txn, lineage.Transaction, 1, 2, 5)
			txn.Mover = lineage.Node{Kind: lineage.ConnectorNode, Name: "b"}
			b.write("kafka", lineage.Linked, txn, lineage.Transaction, 1, 2, level)
		})
		b.want(t, want)
	}
}

// So is a replicator, of which a transactional.id tells the source alone: it copies into this cluster.
func TestReplicatorThatIsCounted(t *testing.T) {
	replicator := func(name string) lineage.Client {
		return lineage.Client{Mover: lineage.Node{Scope: "east", Kind: lineage.ReplicatorNode, Name: name}}
	}
	for name, want := range map[string]lineage.Client{"west->east": nobody, "north->east": replicator("north->east")} {
		b := watched(func(b *book) {
			b.looks("mirror", 1, 10)
			b.runs("mirror", 1, replicator(name).Mover, "orders", 1)
			txn := lineage.Client{TransactionalID: "west-mm2-MirrorSourceConnector-0"}
			b.write("kafka", lineage.Records, txn, lineage.Transaction, 1, 2, 5)
			txn.Mover = lineage.Node{Kind: lineage.ReplicatorNode, Name: "west->"}
			b.write("kafka", lineage.Linked, txn, lineage.Transaction, 1, 2, 1)
		})
		b.want(t, map[lineage.Client]int64{want: 100})
	}
}

// A claim debits what is left in its span; late or not; what is claimed of who is counted better is evidence only, and
// what several claim of one writer is claimed once.
func TestClaims(t *testing.T) {
	client := func(id string) lineage.Client { return lineage.Client{ClientID: id} }
	producer := lineage.Client{Producer: lineage.KnownProducer(7)}
	linked := func(id string) lineage.Client { return lineage.Client{Producer: producer.Producer, ClientID: id} }
	claim := func(b *book, c lineage.Client, e lineage.EvidenceKind, from, to, n int64) {
		b.write("telemetry", lineage.Claimed, c, e, from, to, n)
	}
	f := func(want map[lineage.Client]int64, tell func(b *book)) {
		t.Helper()
		watched(func(b *book) { b.look("telemetry", 10, true); tell(b) }).want(t, want)
	}
	f(map[lineage.Client]int64{client("x"): 25, nobody: 75}, func(b *book) { claim(b, client("x"), lineage.Telemetry, 2, 5, 25) })
	// no more than there is
	f(map[lineage.Client]int64{client("x"): 30, nobody: 70}, func(b *book) { claim(b, client("x"), lineage.Telemetry, 2, 5, 99) })
	f(map[lineage.Client]int64{client("x"): 6, client("y"): 24, nobody: 70}, func(b *book) {
		// each its part
		claim(b, client("x"), lineage.Telemetry, 2, 5, 30)
		claim(b, client("y"), lineage.Telemetry, 2, 5, 120)
	})
	// two of one writer whose spans have a part in common, where each asks for more than its share: the rest is
	// elsewhere
	f(map[lineage.Client]int64{client("x"): 30, nobody: 70}, func(b *book) {
		claim(b, client("x"), lineage.Telemetry, 2, 4, 15)
		claim(b, client("x"), lineage.Telemetry, 3, 5, 15)
	})
	// what one alone can be given it is given, so that others have what they can be given
	f(map[lineage.Client]int64{client("x"): 55, client("y"): 30, nobody: 15}, func(b *book) {
		claim(b, client("x"), lineage.Telemetry, 1, 6, 25)
		claim(b, client("x"), lineage.Telemetry, 4, 9, 30)
		claim(b, client("y"), lineage.Telemetry, 5, 10, 30)
	})
	f(map[lineage.Client]int64{client("x"): 30, nobody: 70}, func(b *book) { // the better evidence first
		claim(b, client("x"), lineage.BatchHeader, 2, 5, 60)
		claim(b, client("y"), lineage.Telemetry, 2, 5, 30)
	})
	// one writer, of two kinds of evidence: headers say how much it was where they saw all of it
	for n, look := range map[int64]func(b *book){20: func(b *book) { b.looks("headers", 0, 8) }, 30: func(b *book) { b.looks("headers", 4, 8) }} {
		f(map[lineage.Client]int64{client("x"): n, nobody: 100 - n}, func(b *book) {
			b.write("headers", lineage.Claimed, client("x"), lineage.RecordHeader, 2, 5, 20)
			look(b)
			claim(b, client("x"), lineage.Telemetry, 2, 5, 30)
		})
	}
	f(map[lineage.Client]int64{client("x"): 20, nobody: 80}, func(b *book) { // told by two, who know more or less of it
		claim(b, client("x"), lineage.Telemetry, 2, 5, 20)
		claim(b, lineage.Client{ClientID: "x", Host: "h"}, lineage.Telemetry, 2, 5, 19)
	})
	f(map[lineage.Client]int64{nobody: 100}, func(b *book) { // the broker counts it under its producer id
		b.write("kafka", lineage.Records, producer, lineage.ProducerState, 0, 9, 500)
		b.write("logs", lineage.Linked, linked("x"), lineage.RequestLog, 1, 2, 1)
		b.look("logs", 2, true)
		claim(b, client("x"), lineage.Telemetry, 2, 5, 30)
	})
	f(map[lineage.Client]int64{nobody: 100}, func(b *book) { // or under the name of what it is a part of
		txn := lineage.Client{Producer: producer.Producer, TransactionalID: "t"}
		b.write("kafka", lineage.Records, txn, lineage.Transaction, 0, 9, 500)
		b.write("kafka", lineage.Linked, lineage.Client{TransactionalID: "t", Mover: connector("a")}, lineage.Transaction, 1, 2, 1)
		b.write("logs", lineage.Linked, linked("x"), lineage.Telemetry, 1, 2, 1)
		b.look("logs", 2, true)
		claim(b, client("x"), lineage.Telemetry, 2, 5, 30)
	})
	f(map[lineage.Client]int64{client("x"): 30, nobody: 70}, func(b *book) { // which a better link denies
		b.write("kafka", lineage.Records, producer, lineage.ProducerState, 0, 9, 500)
		b.write("logs", lineage.Linked, linked("x"), lineage.RecordHeader, 1, 2, 1)
		b.write("logs", lineage.Linked, linked("z"), lineage.RequestLog, 1, 1, 1)
		b.look("logs", 2, true)
		claim(b, client("x"), lineage.Telemetry, 2, 5, 30)
	})
}

// The law, and that nothing depends on the order in which things are told, by whom, when, or how often it was settled
// before.
func TestAccountLaw(t *testing.T) {
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 9))
		b, claims := randomBook(r)
		settled, open := b.settle(0, nil)
		checkLaw(t, seed, b, settled, open)
		for range 3 {
			if again, o := b.settle(0, r); o != open || !reflect.DeepEqual(again, settled) {
				t.Fatalf("seed %d: told in another order it settles to\n%+v, and not to\n%+v", seed, again, settled)
			}
		}
		after := r.Int64N(20)
		if claims || open > 0 && after >= open || b.cuts(after) { // then it has to begin earlier
			continue
		}
		tail, _ := b.settle(after, r)
		if want := later(settled, after); !reflect.DeepEqual(later(tail, after), want) {
			t.Fatalf("seed %d: settled from %d on it is\n%+v, and not\n%+v", seed, after, tail, want)
		}
	}
}

// What is said stands until something else is: so of each step that is an estimate of more than nothing something is
// said, lest it bear what was said of another.
func TestOfEachEstimateSomethingIsSaid(t *testing.T) {
	estimates := map[lineage.EvidenceKind]int{}
	for seed := range uint64(1000) {
		r := rand.New(rand.NewPCG(seed, 80))
		b, _ := randomBook(r)
		for _, x := range b.told {
			for i := range x.Readings {
				x.Readings[i].Estimated = x.Metric.Counter() && r.IntN(3) == 0
			}
		}
		settled, _ := b.settle(0, nil)
		for _, x := range settled {
			for _, y := range x.Readings {
				if x.Metric != lineage.Records || !y.Estimated || y.Value == 0 {
					continue
				}
				estimates[x.Evidence]++
				if !slices.ContainsFunc(x.Words, func(w lineage.Word) bool { return w.At == y.To && w.Text != "" }) {
					t.Fatalf("seed %d: nothing is said of %+v of %v by %v: %v", seed, y, x.Access.Client, x.Evidence, x.Words)
				}
			}
		}
	}
	for _, k := range [...]lineage.EvidenceKind{lineage.EndOffsets, lineage.Elimination, lineage.Telemetry, lineage.BatchHeader} {
		if estimates[k] < 100 {
			t.Errorf("too few are estimates: %v", estimates)
		}
	}
}

// cuts reports whether a step goes over a tick.
func (b *book) cuts(at int64) bool {
	for _, x := range b.told {
		if x.Metric != lineage.Runs && slices.ContainsFunc(x.Readings, func(r lineage.Reading) bool { return r.From < at && r.To > at }) {
			return true
		}
	}
	return false
}

// randomBook is a book of twenty rounds in which movers come and go, sources miss rounds and are late, and late claims
// may come.
func randomBook(r *rand.Rand) (b *book, claims bool) {
	b = newBook()
	last := int64(0)
	for t := int64(1); t <= 20; t++ {
		if r.IntN(5) == 0 {
			b.notes = append(b.notes, lineage.Word{At: t, Text: fmt.Sprint("note ", t)})
		}
		if r.IntN(6) == 0 {
			continue
		}
		b.look("kafka", t, true)
		if n := r.Int64N(3) * r.Int64N(50); n > 0 {
			b.grow(lineage.Left, last, t, n)
		}
		if r.IntN(5) == 0 {
			b.grow(lineage.Mixed, last, t, 1+r.Int64N(20))
		}
		last = t
	}
	b.look("kafka", 21, true)
	for _, source := range []string{"connect", "mirror"}[:r.IntN(3)] {
		for t := int64(1); t <= 21-r.Int64N(6); t++ {
			if r.IntN(8) == 0 {
				continue
			}
			saw := r.IntN(8) > 0
			b.look(source, t, saw)
			for _, name := range []string{"a", "b", "c"} {
				if r.IntN(7) == 0 {
					b.runs(source, t, connector(source+name), []string{"orders", "orders", "orders", ""}[r.IntN(4)], r.Int64N(2))
				}
			}
			if r.IntN(20) == 0 {
				b.runs(source, t, lineage.Node{Scope: source, Kind: lineage.ConnectorNode}, "", -r.Int64N(2))
			}
		}
		b.look(source, 1, true)
		b.rounds[source] = slices.Compact(b.rounds[source])
	}
	if claims = r.IntN(2) == 0; claims {
		b.look("telemetry", 21, true)
		for range 1 + r.IntN(5) {
			c := lineage.Client{ClientID: string(rune('x' + r.IntN(3)))}
			from := r.Int64N(20)
			to := from + 1 + r.Int64N(21-from)
			key := fmt.Sprint(c, from)
			if b.by[key] == "" {
				b.by[key] = "telemetry"
				b.write("telemetry", lineage.Claimed, c, []lineage.EvidenceKind{lineage.Telemetry, lineage.BatchHeader}[r.IntN(2)], from, to, r.Int64N(80))
			}
		}
		for _, x := range b.told { // one reading a round
			x.Readings = slices.CompactFunc(x.Readings, func(a, b lineage.Reading) bool { return a.To == b.To })
		}
	}
	return b, claims
}

func checkLaw(t *testing.T, seed uint64, b *book, settled []lineage.Settled, open int64) {
	t.Helper()
	grew, had := map[int64]int64{}, map[int64]int64{}
	for _, x := range b.told {
		if x.Metric == lineage.Left || x.Metric == lineage.Mixed {
			for _, r := range x.Readings {
				grew[r.To] += r.Value
			}
		}
	}
	for _, x := range settled {
		if x.Metric != lineage.Records {
			continue
		}
		for _, r := range x.Readings {
			had[r.To] += r.Value
			if r.Value < 0 {
				t.Fatalf("seed %d: %v has %+v", seed, x.Access.Client, r)
			}
		}
	}
	for at, n := range had {
		if n > grew[at] {
			t.Fatalf("seed %d: the topic grew by %d at %d, and %d are given", seed, grew[at], at, n)
		}
	}
	for at, n := range grew {
		if had[at] != n && (open == 0 || at < open) {
			t.Fatalf("seed %d: the topic grew by %d at %d, and %d are given", seed, n, at, had[at])
		}
	}
}

// later is what is derived after a tick.
func later(all []lineage.Settled, after int64) (out []lineage.Settled) {
	for _, x := range all {
		x.Readings = slices.DeleteFunc(slices.Clone(x.Readings), func(r lineage.Reading) bool { return r.To <= after })
		x.Words = slices.DeleteFunc(slices.Clone(x.Words), func(w lineage.Word) bool { return w.At <= after })
		if len(x.Readings)+len(x.Words) > 0 {
			x.Readings, x.Words = append([]lineage.Reading{}, x.Readings...), append([]lineage.Word{}, x.Words...)
			out = append(out, x)
		}
	}
	return out
}

func TestMulDiv(t *testing.T) {
	for _, x := range [][4]int64{{10, 1, 3, 3}, {0, 0, 1, 0}, {1 << 62, 1 << 61, 1 << 62, 1 << 61}, {1<<63 - 1, 5, 5, 1<<63 - 1}} {
		if got := mulDiv(x[0], x[1], x[2]); got != x[3] {
			t.Errorf("%d × %d / %d = %d, want %d", x[0], x[1], x[2], got, x[3])
		}
	}
}
