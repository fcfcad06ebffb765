package answer_test

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
	"github.com/lineaged/lineaged/usage"
)

// hourly advances rounds of an hour: a world of days is small then.
const hourly = int(time.Hour / tick)

// billed are answers by owners, for a tariff.
func billed(w *world, who answer.Identity, t usage.Tariff) *answer.Answers {
	return answer.New(answer.Options{
		History: w.store, Identity: func() answer.Identity { return who }, Tariff: t,
		Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}, {Source: "east", Name: "east"}},
	})
}

func bill(t testing.TB, a *answer.Answers, from, to int) *answer.Bill {
	t.Helper()
	b, err := a.Bill(t.Context(), answer.Between(round(from), round(to)), "")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// linesOf writes the lines of a meter, one after the other.
func linesOf(lines []usage.Line, m usage.Meter) string {
	var out []string
	for _, l := range lines {
		if l.Meter != m {
			continue
		}
		owner := l.Owner
		if l.Nobody {
			owner = "nobody"
		}
		out = append(out, fmt.Sprintf("%s %s %s %s", owner, l.Name, l.Count, l.Basis))
	}
	return strings.Join(out, "; ")
}

// trade writes to orders and reads from it each tick of an hour: payments 3 records, somebody whom nothing names 2, and
// billing reads 4.
func (w *world) trade(from, to int) {
	orders := topic("orders")
	for n := from; n < to; n++ {
		fact := lineage.Fact{
			Key:   lineage.FactKey{Source: "west", Kind: lineage.TopicFacts, Name: "orders"},
			Topic: &lineage.TopicFact{Topic: orders, Partitions: 6, Replication: 3},
		}
		w.observe("west", "offsets", n, facts(clusterFact(1), fact), w.moved(self(orders), lineage.NoEvidence, 5),
			w.moved(writes(orders, lineage.Client{TransactionalID: "payments", Group: "payments"}), lineage.Transaction, 3),
			w.moved(writes(orders, lineage.Client{}), lineage.EndOffsets, 2),
			level(self(orders), lineage.Retained, 1000), level(self(orders), lineage.LogBytes, 100_000))
		w.observe("west", "groups", n, w.moved(reads(orders, group("billing")), lineage.GroupOffsets, 4))
	}
}

func owners() *owned {
	return &owned{owners: map[string]string{
		topicNode("orders").ID(): "shop", application("payments").ID(): "pay", application("billing").ID(): "money",
	}}
}

func TestABillSaysWhoUsedWhat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.trade(0, 2*hourly+1)
		time.Sleep(round(2*hourly + 1).Sub(midnight))
		b := bill(t, billed(w, owners(), usage.Tariff{}), 0, 2*hourly)
		for m, want := range map[usage.Meter]string{
			usage.IngressRecords: "pay orders 2160 MEASURED; nobody orders 1440 MEASURED",
			usage.EgressRecords:  "money orders 2880 MEASURED",
			usage.Ingress:        "pay orders 216000 ESTIMATED; nobody orders 144000 ESTIMATED",
			usage.Replication:    "pay orders 432000 ESTIMATED; nobody orders 288000 ESTIMATED",
			usage.Storage:        "shop orders 600000 ESTIMATED",
			usage.Partitions:     "shop orders 12 MEASURED",
		} {
			if got := linesOf(b.Lines, m); got != want {
				t.Errorf("%s: %s, want %s", m, got, want)
			}
		}
	})
}

// Who may be in another's count is billed an estimate, as the other is.
func TestABillOfWhoMayHaveWrittenMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		orders := topic("orders")
		for n := range hourly + 1 {
			pay := writes(orders, lineage.Client{TransactionalID: "payments", Group: "payments"})
			w.observe("west", "all", n, facts(clusterFact(1), topicFact(orders)), w.moved(self(orders), lineage.NoEvidence, 20),
				estimated(w.moved(pay, lineage.Transaction, 10)), sighted(pay, lineage.Transaction, "at most: markers"),
				w.moved(writes(orders, lineage.Client{Kind: lineage.Remainder}), lineage.EndOffsets, 4))
		}
		time.Sleep(round(hourly + 1).Sub(midnight))
		nobody := lineage.Node{Scope: "west", Kind: lineage.UnidentifiedNode, Name: "orders"}
		who := &owned{owners: map[string]string{nobody.ID(): "keeper", application("payments").ID(): "pay"}}
		b := bill(t, billed(w, who, usage.Tariff{}), 0, hourly)
		for _, l := range b.Lines {
			if l.Meter == usage.IngressRecords && l.Basis != usage.Estimated {
				t.Errorf("%q %s %s", l.Owner, l.Count, l.Basis)
			}
		}
		if got := linesOf(b.Lines, usage.IngressRecords); !strings.Contains(got, "keeper orders 1440 ESTIMATED") {
			t.Errorf("%s", got)
		}
	})
}

// A bill says in how many hours it is not known what somebody read, or wrote; of what is no sum it says nothing.
func TestABillSaysWhatItLacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.trade(0, 4*hourly+1)
		parcels := reads(topic("orders"), lineage.Client{Group: "parcels"})
		for n := range 4*hourly + 1 {
			switch {
			case n < hourly/2: // it is not there yet
			case n < hourly || n >= 3*hourly: // from the second hour on it is not observed, until the third ends
				w.observe("west", "share-groups", n, w.moved(parcels, lineage.ShareOffsets, 1))
			}
		}
		time.Sleep(round(4*hourly + 1).Sub(midnight))
		for _, x := range []struct{ from, to, untold int }{{0, 1, 0}, {0, 4, 1}, {1, 2, 1}, {3, 4, 0}} {
			b := bill(t, billed(w, owners(), usage.Tariff{}), x.from*hourly, x.to*hourly)
			for _, c := range b.Clusters {
				want := map[bool]int{true: x.untold}[c.Cluster == "west" && (c.Meter == usage.EgressRecords || c.Meter == usage.Egress)]
				if c.Untold != want {
					t.Errorf("hours %d to %d: %s of %s is not known whole in %d, want %d", x.from, x.to, c.Meter, c.Cluster, c.Untold, want)
				}
			}
		}
	})
}

// TestABillIsTheTopicsEnds: whatever happens, owners and nobody together are what the ends grew by, and any split of a
// window is the whole.
func TestABillIsTheTopicsEnds(t *testing.T) {
	for seed := range uint64(3) {
		synctest.Test(t, func(t *testing.T) {
			w, r := newWorld(t), rand.New(rand.NewPCG(seed, 1))
			const rounds = 2 * hourly
			w.anything(r, rounds)
			time.Sleep(round(rounds).Sub(midnight))
			a := billed(w, owners(), usage.Tariff{})
			whole := bill(t, a, 0, rounds)
			sums := map[string]*big.Int{}
			for h := range 2 {
				for _, l := range bill(t, a, h*hourly, (h+1)*hourly).Lines {
					key := fmt.Sprint(l.ID, l.Owner, l.Meter, l.Basis)
					if sums[key] == nil {
						sums[key] = new(big.Int)
					}
					sums[key].Add(sums[key], l.Count)
				}
			}
			billed := map[string]int64{}
			for _, l := range whole.Lines {
				key := fmt.Sprint(l.ID, l.Owner, l.Meter, l.Basis)
				if n := sums[key]; n == nil || n.Cmp(l.Count) != 0 {
					t.Fatalf("%s: %s by the hour, %s in all", key, n, l.Count)
				}
				if l.Meter == usage.IngressRecords {
					billed[l.Name] += l.Count.Int64()
				}
			}
			if len(sums) != len(whole.Lines) || len(billed) == 0 {
				t.Fatalf("%d lines by the hour, %d in all; topics %v", len(sums), len(whole.Lines), billed)
			}
			for name, want := range w.grown(0, rounds) {
				if billed[name] != want {
					t.Errorf("%s grew by %d, and %d are billed", name, want, billed[name])
				}
			}
		})
	}
}

// grown is what the store says that topics' ends grew by.
func (w *world) grown(from, to int) map[string]int64 {
	in := lineage.Window{Start: round(from), End: round(to)}
	held, err := w.store.Window(w.t.Context(), store.Ask{Window: in, Accesses: true})
	if err != nil {
		w.t.Fatal(err)
	}
	out := map[string]int64{}
	for row := held.Rows.Topics; row < held.Rows.Len(); row++ {
		i, ok := held.Series.Find(int32(row), lineage.Appended, lineage.NoEvidence)
		if !ok {
			continue
		}
		grown, err := held.Amounts(w.t.Context(), in, []int32{i})
		if err != nil {
			w.t.Fatal(err)
		}
		out[held.Rows.Access[row].Topic.Name] = int64(math.Round(grown[0].Total))
	}
	return out
}

func TestABillCrossesMidnightAndSaysWhatWasNotObserved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const day, half = 24 * hourly, hourly / 2
		w := newWorld(t)
		w.trade(day-half, day+1)
		orders := topic("orders")
		// It is deleted in the first hour of the next day, and a gap of two hours follows.
		w.observe("west", "offsets", day+hourly/4, facts(lineage.Fact{Key: topicFact(orders).Key, Gone: true}))
		w.observe("west", "offsets", day+3*hourly, facts(clusterFact(0)))
		time.Sleep(round(day + 4*hourly).Sub(midnight))
		a := billed(w, owners(), usage.Tariff{Currency: "EUR", Prices: []usage.Price{
			{Per: map[usage.Meter]usage.Decimal{usage.IngressRecords: decimal(t, "0.5")}},
			{From: round(day), Per: map[usage.Meter]usage.Decimal{usage.IngressRecords: decimal(t, "0.7"), usage.Partitions: decimal(t, "1")}},
		}})
		b := bill(t, a, day-half, day+4*hourly)
		if b.Start != round(day-hourly) || b.End != round(day+4*hourly) {
			t.Errorf("it is of %s to %s", b.Start, b.End)
		}
		var got []string
		for _, l := range b.Lines {
			if l.Meter == usage.IngressRecords && l.Owner == "pay" || l.Meter == usage.Partitions {
				got = append(got, fmt.Sprintf("%s %s %s %v %d/%d", l.Start.Format("02T15"), l.Meter, l.Quantity(), l.Cost, l.Observed, l.Of))
			}
		}
		want := []string{"01T23 INGRESS_RECORDS 543 271.5 1/1", "01T23 PARTITIONS 6 <nil> 1/1", "02T00 PARTITIONS 6 6 1/4"}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		for _, c := range b.Clusters {
			if c.Cluster == "east" && (c.Observed != 0 || c.Count.Sign() != 0) {
				t.Errorf("nobody looked at %+v", c)
			}
		}
		if o := b.Over.Coverage().ObservedFraction; o <= 0 || o > 0.5 {
			t.Errorf("observed %v", o)
		}
		// Rules of now are for the past too, until it is sealed; what is kept of a day is not kept for others.
		other := owners()
		other.owners[application("payments").ID()] = "paying"
		if got := linesOf(bill(t, billed(w, other, usage.Tariff{}), day-half, day).Lines, usage.IngressRecords); got != "paying orders 543 MEASURED; nobody orders 362 MEASURED" {
			t.Error(got)
		}
	})
}

func decimal(t testing.TB, text string) usage.Decimal {
	t.Helper()
	d, err := usage.ParseDecimal(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// An owner who was edited on the second day pays from that day on.
func TestAnOwnerPaysFromTheDayOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const day, half = 24 * hourly, hourly / 2
		w := newWorld(t)
		w.trade(day-half, day+half)
		time.Sleep(round(day + half).Sub(midnight))
		var edits *lineage.Edits
		edits = edits.With(&lineage.Edit{
			Number: 1, At: round(day + 1), From: round(day + 1), Node: application("payments"), Before: [][]string{nil},
			Changes: []lineage.Change{{Slot: lineage.Slot{Field: lineage.OwnerField}, Texts: []string{"treasury"}}},
		})
		a := answer.New(answer.Options{
			History: w.store, Identity: func() answer.Identity { return owners() }, Edits: func() *lineage.Edits { return edits },
			Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}},
		})
		b := bill(t, a, day-half, day+hourly)
		if got := linesOf(b.Lines, usage.IngressRecords); got != "pay orders 543 MEASURED; treasury orders 537 MEASURED; nobody orders 720 MEASURED" {
			t.Error(got)
		}
	})
}
