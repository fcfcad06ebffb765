package attribution

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

func producerID(id int64) lineage.Client { return lineage.Client{Producer: lineage.KnownProducer(id)} }

// concluded returns the links that were derived, as client.id or principal by producer id.
func concluded(settled []lineage.Settled) map[int64]string {
	out := map[int64]string{}
	for _, x := range settled {
		if x.Metric != lineage.Linked {
			continue
		}
		id, _ := x.Access.Client.Producer.Value()
		name := x.Access.Client.ClientID
		if name == "" {
			name = x.Access.Client.Principal
		}
		out[id] = name
	}
	return out
}

// recordsOf returns what was debited to a client.
func recordsOf(settled []lineage.Settled, client string) (n int64) {
	for _, x := range settled {
		if x.Metric == lineage.Records && (x.Access.Client.ClientID == client || x.Access.Client.Principal == client) {
			for _, r := range x.Readings {
				n += r.Value
			}
		}
	}
	return n
}

// burst is how much a writer wrote in each of 60 ticks.
type burst [60]int64

// counted has the broker count a producer id, and a source claim the same of a client some ticks later.
func (b *book) counted(id int64, w *burst) {
	for t, n := range w {
		if n > 0 {
			b.write("kafka", lineage.Records, producerID(id), lineage.ProducerState, int64(t), int64(t)+1, n)
		}
	}
}

func (b *book) claimed(source string, c lineage.Client, e lineage.EvidenceKind, w *burst, every, late int64) {
	sum := int64(0)
	for t, n := range w {
		sum += n
		if to := int64(t) + 1; to%every == 0 || to == int64(len(w)) {
			b.write(source, lineage.Claimed, c, e, to-every+late, to+late, sum)
			sum = 0
		}
	}
}

func (b *book) looked(sources ...string) {
	for _, s := range sources {
		for t := range int64(66) {
			b.look(s, t, true)
		}
	}
}

func TestConcludedByCounts(t *testing.T) {
	var early, late, both burst
	for i := range 20 {
		early[5+i], late[35+i], both[i*3] = 7, 7, 7
	}
	for _, x := range []struct {
		name   string
		counts map[int64]*burst
		claims map[string]*burst
		want   map[int64]string
	}{
		{"one of each", map[int64]*burst{5: &early}, map[string]*burst{"a": &early}, map[int64]string{5: "a"}},
		{"two that differ", map[int64]*burst{5: &early, 6: &late}, map[string]*burst{"a": &late, "b": &early}, map[int64]string{5: "b", 6: "a"}},
		{"two that are alike", map[int64]*burst{5: &early, 6: &early}, map[string]*burst{"a": &early, "b": &early}, nil},
		{"two clients for one id", map[int64]*burst{5: &early}, map[string]*burst{"a": &early, "b": &early}, nil},
		{"another's", map[int64]*burst{5: &early}, map[string]*burst{"a": &late}, nil},
		{"half of it", map[int64]*burst{5: &both}, map[string]*burst{"a": &early}, nil},
	} {
		b := newBook()
		b.looked("kafka", "otlp")
		for id, w := range x.counts {
			b.counted(id, w)
		}
		for name, w := range x.claims {
			b.claimed("otlp", lineage.Client{ClientID: name, Instance: "I" + name}, lineage.Telemetry, w, 5, 2)
		}
		settled, _ := b.settle(0, rand.New(rand.NewPCG(1, 2)))
		if got := concluded(settled); fmt.Sprint(got) != fmt.Sprint(x.want) {
			t.Errorf("%s: concluded %v, want %v", x.name, got, x.want)
		}
		for id, name := range x.want {
			if n := recordsOf(settled, name); n != 0 {
				t.Errorf("%s: %s, whom the broker counts as %d, is debited %d once more", x.name, name, id, n)
			}
		}
	}
}

// What the topic grew by besides is nobody's: a client that is joined to a counted producer id takes none of it.
func TestWhoIsConcludedClaimsNothing(t *testing.T) {
	var w burst
	for i := range 20 {
		w[5+i] = 7
	}
	b := newBook()
	b.looked("kafka", "otlp")
	b.counted(5, &w)
	for i := range int64(20) { // of a writer without idempotence, at the same time
		b.grow(lineage.Left, 5+i, 6+i, 4)
	}
	b.claimed("otlp", lineage.Client{ClientID: "a", Instance: "Ia"}, lineage.Telemetry, &w, 5, 1)
	settled, _ := b.settle(0, nil)
	if n := recordsOf(settled, "a"); n != 0 || concluded(settled)[5] != "a" {
		t.Errorf("a is debited %d, and the links are %v", n, concluded(settled))
	}
}

// TestWhoMayBeCountedAlready: two producer ids and two clients that nothing tells apart, and somebody without
// idempotence whom nobody names. What the clients claim may be what is counted, and no bound is said that may not hold.
func TestWhoMayBeCountedAlready(t *testing.T) {
	var w burst
	for i := range 20 {
		w[5+i] = 7
	}
	b := newBook()
	b.looked("kafka", "otlp")
	b.counted(5, &w)
	b.counted(6, &w)
	for i := range int64(20) {
		b.grow(lineage.Left, 5+i, 6+i, 20)
	}
	for _, name := range []string{"a", "b"} {
		b.claimed("otlp", lineage.Client{ClientID: name, Instance: "I" + name}, lineage.Telemetry, &w, 5, 0)
	}
	settled, _ := b.settle(0, nil)
	for _, x := range settled {
		if x.Metric != lineage.Records {
			continue
		}
		want, who := "neither at most nor at least", x.Access.Client.ClientID
		if x.Access.Client.Kind == lineage.Remainder {
			want, who = "at least", "nobody"
		}
		for _, r := range x.Readings {
			if !r.Estimated {
				t.Errorf("%s is said to have written exactly %d by %d", who, r.Value, r.To)
			}
		}
		if len(x.Words) == 0 || !strings.HasPrefix(x.Words[0].Text, want) {
			t.Errorf("of %s it is said %+v, want %s", who, x.Words, want)
		}
	}
	if len(concluded(settled)) != 0 || recordsOf(settled, "a") == 0 {
		t.Errorf("concluded %v, a is given %d", concluded(settled), recordsOf(settled, "a"))
	}
}

// TestWhoBearsNoProducerID: what headers of records name is of batches without a producer id, so that nobody has
// counted it already, however alike both wrote.
func TestWhoBearsNoProducerID(t *testing.T) {
	var w burst
	for i := range 20 {
		w[5+i] = 7
	}
	b := newBook()
	b.looked("kafka", "headers")
	b.counted(5, &w)
	for i := range int64(20) {
		b.grow(lineage.Left, 5+i, 6+i, 7)
	}
	b.claimed("headers", lineage.Client{ClientID: "a"}, lineage.RecordHeader, &w, 1, 0)
	settled, _ := b.settle(0, nil)
	if len(concluded(settled)) != 0 || recordsOf(settled, "a") != 140 {
		t.Errorf("concluded %v, a is given %d of 140", concluded(settled), recordsOf(settled, "a"))
	}
	for _, x := range settled {
		if len(x.Words) > 0 || slices.ContainsFunc(x.Readings, func(r lineage.Reading) bool { return r.Estimated }) {
			t.Errorf("of %+v it is said that it is no exact count: %+v", x.Access.Client, x.Words[:min(1, len(x.Words))])
		}
	}
}

func TestConcludedByElimination(t *testing.T) {
	var w, other burst
	for i := range 20 {
		w[5+i*2], other[6+i*2] = 3, 3
	}
	alice, bob := lineage.Client{Principal: "User:alice", Host: "10.0.0.1"}, lineage.Client{Principal: "User:bob", Host: "10.0.0.1"}
	log := func(b *book, c lineage.Client, w *burst) { b.claimed("log", c, lineage.AuthorizerLog, w, 1, 0) }
	for _, x := range []struct {
		name string
		make func(b *book)
		want map[int64]string
	}{
		{"one principal", func(b *book) { b.looked("log"); log(b, alice, &w) }, map[int64]string{5: "User:alice"}},
		{"one principal, in the logs of some brokers, as it may be", func(b *book) {
			b.looked("log")
			for t, n := range w {
				if n > 0 {
					told := lineage.Told{Access: lineage.Access{Topic: orders, Op: lineage.Write, Client: alice}, Metric: lineage.Claimed, Evidence: lineage.AuthorizerLog}
					b.tell("log", told, lineage.Reading{From: int64(t), To: int64(t) + 1, Value: n, Estimated: true})
				}
			}
		}, nil},
		{"two principals", func(b *book) { b.looked("log"); log(b, alice, &w); log(b, bob, &other) }, nil},
		{"two, one of which is known", func(b *book) {
			b.looked("log")
			log(b, alice, &w)
			log(b, bob, &other)
			b.counted(6, &other)
			b.write("log", lineage.Linked, lineage.Client{Producer: lineage.KnownProducer(6), ClientID: "b", Principal: "User:bob", Host: "10.0.0.1"}, lineage.RequestLog, 0, 1, 1)
		}, map[int64]string{5: "User:alice"}},
		{"a log that was not followed for a while", func(b *book) {
			for t := range int64(66) {
				b.look("log", t, t != 20)
			}
			log(b, alice, &w)
		}, nil},
		{"at other times", func(b *book) {
			b.looked("log")
			var late burst
			late[50] = 1
			log(b, alice, &late)
		}, nil},
		{"telemetry, which not all push", func(b *book) {
			b.looked("log")
			var some burst
			some[20] = 1
			b.claimed("log", lineage.Client{ClientID: "a", Instance: "Ia"}, lineage.Telemetry, &some, 1, 0)
		}, nil},
		{"telemetry names whom the log saw", func(b *book) {
			b.looked("log", "otlp")
			log(b, alice, &w)
			b.claimed("otlp", lineage.Client{ClientID: "a", Instance: "Ia", Principal: "User:alice"}, lineage.Telemetry, &other, 1, 0)
		}, map[int64]string{5: "a"}},
		{"told to be another principal's", func(b *book) {
			b.looked("log")
			log(b, alice, &w)
			log(b, bob, &w)
			b.write("log", lineage.Linked, lineage.Client{Producer: lineage.KnownProducer(5), Principal: "User:bob", Host: "10.0.0.1"}, lineage.RequestLog, 0, 1, 1)
		}, nil},
		{"of another principal that pushes the same", func(b *book) {
			b.looked("log", "otlp")
			b.claimed("otlp", lineage.Client{ClientID: "a", Instance: "Ia", Principal: "User:alice"}, lineage.Telemetry, &w, 1, 0)
			b.write("log", lineage.Linked, lineage.Client{Producer: lineage.KnownProducer(5), Principal: "User:bob", Host: "10.0.0.1"}, lineage.RequestLog, 0, 1, 1)
		}, nil},
		{"told otherwise", func(b *book) {
			b.looked("log")
			log(b, alice, &w)
			b.write("log", lineage.Linked, lineage.Client{Producer: lineage.KnownProducer(5), ClientID: "c"}, lineage.RequestLog, 0, 1, 1)
		}, nil},
	} {
		b := newBook()
		b.looked("kafka")
		b.counted(5, &w)
		x.make(b)
		settled, _ := b.settle(0, rand.New(rand.NewPCG(3, 4)))
		if got := concluded(settled); fmt.Sprint(got) != fmt.Sprint(x.want) {
			t.Errorf("%s: concluded %v, want %v", x.name, got, x.want)
		}
	}
}

// TestConcludedIsTrue makes worlds by chance, in which some clients push what they write, late and in their own
// rhythm, and some do not: whatever is concluded is true, and most of what can be is. `make test-long` makes 4,000.
func TestConcludedIsTrue(t *testing.T) {
	worlds := uint64(400)
	if os.Getenv("LINEAGED_LONG") != "" {
		worlds = 4000
	}
	found, could := 0, 0
	for seed := range worlds {
		r := rand.New(rand.NewPCG(seed, 5))
		b := newBook()
		b.looked("kafka", "otlp")
		pushes := map[int64]bool{}
		for id := range int64(1 + r.IntN(6)) {
			var w burst
			for t := r.IntN(50); t < len(w); t += 1 + r.IntN(6) {
				w[t] = int64(r.IntN(30))
			}
			b.counted(id, &w)
			if r.IntN(3) > 0 {
				pushes[id] = true
				b.claimed("otlp", lineage.Client{ClientID: fmt.Sprint("c", id), Instance: fmt.Sprint("I", id)}, lineage.Telemetry, &w, 1+int64(r.IntN(6)), int64(r.IntN(3)))
			}
		}
		could += len(pushes)
		settled, _ := b.settle(0, r)
		for id, name := range concluded(settled) {
			if name != fmt.Sprint("c", id) || !pushes[id] {
				t.Errorf("seed %d: %d is taken to be %s", seed, id, name)
			}
			found++
		}
	}
	t.Logf("%d of %d were found in %d worlds", found, could, worlds)
	if found < could*4/5 {
		t.Errorf("%d of %d were found", found, could)
	}
}

// TestClaimsOfALog: a request log tells of records a tick after they showed, and of the newest request's with the next.
// Nobody is said to have written exactly, or at most, what that makes.
func TestClaimsOfALog(t *testing.T) {
	b := newBook()
	b.looked("kafka", "log")
	app := lineage.Client{ClientID: "app"}
	for i := range int64(10) { // a request of 20 records each second tick, and one more of 6
		b.grow(lineage.Left, 10+2*i, 11+2*i, 20)
	}
	b.grow(lineage.Left, 30, 31, 6)
	for i := range int64(10) {
		b.write("log", lineage.Claimed, app, lineage.RequestLog, 11+2*i, 12+2*i, 20)
	}
	settled, _ := b.settle(0, nil)
	if n := recordsOf(settled, "app"); n != 200 {
		t.Errorf("app is given %d, want 200", n)
	}
	for _, x := range settled {
		if x.Metric != lineage.Records {
			continue
		}
		want := "neither at most nor at least"
		if x.Access.Client.Kind == lineage.Remainder {
			want = "at most"
		}
		for _, r := range x.Readings {
			if !r.Estimated {
				t.Errorf("%+v is said to have written exactly %d by %d", x.Access.Client, r.Value, r.To)
			}
		}
		if len(x.Words) == 0 || !strings.HasPrefix(x.Words[0].Text, want) {
			t.Errorf("of %+v it is said %+v, want %s", x.Access.Client, x.Words, want)
		}
	}
}

// TestOneNameInTwoPlaces: a library gives its clients one client.id on every host. That the one is counted by its
// producer id says nothing of the other, which writes without idempotence.
func TestOneNameInTwoPlaces(t *testing.T) {
	var w burst
	for i := range 20 {
		w[5+i] = 7
	}
	b := newBook()
	b.looked("kafka", "otlp")
	b.counted(5, &w)
	for i := range int64(20) {
		b.grow(lineage.Left, 5+i, 6+i, 7)
	}
	here := lineage.Client{ClientID: "producer-1", Instance: "I1", Principal: "User:a", Host: "10.0.0.1"}
	there := lineage.Client{ClientID: "producer-1", Instance: "I2", Principal: "User:a", Host: "10.0.0.2"}
	b.write("otlp", lineage.Linked, lineage.Client{Producer: lineage.KnownProducer(5), ClientID: "producer-1", Principal: "User:a", Host: "10.0.0.1"}, lineage.RequestLog, 0, 1, 1)
	for _, c := range []lineage.Client{here, there} {
		b.claimed("otlp", c, lineage.Telemetry, &w, 5, 0)
	}
	settled, _ := b.settle(0, nil)
	got := map[string]int64{}
	for _, x := range settled {
		if x.Metric == lineage.Records {
			for _, r := range x.Readings {
				got[x.Access.Client.Instance] += r.Value
			}
		}
	}
	if got["I1"] != 0 || got["I2"] != 140 || got[""] != 0 {
		t.Errorf("debited %v, want 140 to I2 alone", got)
	}
}
