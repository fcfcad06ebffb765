package usage

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

var november = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

func price(t testing.TB, text string) Decimal {
	t.Helper()
	d, err := ParseDecimal(text)
	if err != nil {
		t.Fatal(text, err)
	}
	return d
}

func TestDecimalsAreExact(t *testing.T) {
	sum := Decimal{}
	for range 10 {
		sum = sum.Plus(price(t, "0.1"))
	}
	if sum.String() != "1" || sum.Compare(price(t, "1.000")) != 0 {
		t.Errorf("ten times 0.1 is %s", sum)
	}
	for _, x := range []struct{ got, want string }{
		{price(t, "0.045").Times(price(t, "1234567.000000001")).String(), "55555.515000000045"},
		{price(t, "0").String(), "0"},
		{price(t, "00.50").String(), "0.5"},
		{price(t, "120").String(), "120"},
		{price(t, "0.1").Minus(price(t, "0.25")).String(), "-0.15"},
		{Decimal{}.String(), "0"},
		{Ingress.Quantity(big.NewInt(1)).String(), "0.000000001"},
		{Storage.Quantity(big.NewInt(25e8)).String(), "2.5"},
		{Partitions.Quantity(big.NewInt(7)).String(), "7"},
	} {
		if x.got != x.want {
			t.Errorf("%s, want %s", x.got, x.want)
		}
	}
	for _, text := range []string{"", ".", "1.", ".5", "-1", "+1", "1e3", "1,5", " 1", "0x1", "NaN", "٣", "1234567890123456789", "0.1234567890123456789"} {
		if d, err := ParseDecimal(text); err == nil {
			t.Errorf("%q is read as %s", text, d)
		}
	}
}

// anyFrame is a topic of which anything may be known.
func anyFrame(r *rand.Rand, n int) *Frame {
	owners := []string{"", "checkout", "fraud", "=cmd()"}
	f := &Frame{Topic: Topic{Cluster: "west", ID: fmt.Sprint("topic:west/", n), Name: fmt.Sprint(n)}, Owner: owners[r.IntN(len(owners))], Partitions: r.IntN(9), Replicas: r.IntN(4)}
	if r.IntN(4) > 0 {
		f.RecordBytes = 1 + r.Float64()*1000
	}
	some := func() *float64 {
		switch r.IntN(6) {
		case 0:
			return nil
		case 1:
			return new(0.0)
		case 2:
			return new(r.Float64() * 10)
		default:
			return new(float64(r.IntN(100000)))
		}
	}
	for h := range Hours {
		if x := some(); x != nil {
			f.Appended.Put(h, *x)
		}
		if r.IntN(5) > 0 {
			f.There |= 1 << h
		}
		if r.IntN(5) > 0 {
			f.Stored.Put(h, float64(r.Int64N(1<<45)))
		}
	}
	party := func() (m Moved) {
		m.Party = Party{Owner: owners[r.IntN(len(owners))], Basis: Basis(r.IntN(int(bases))), Mirror: r.IntN(5) == 0}
		for h := range Hours {
			if x := some(); x != nil {
				m.Records.Put(h, *x/3)
			}
		}
		return m
	}
	for range r.IntN(4) {
		f.Writers = append(f.Writers, party())
	}
	for range r.IntN(4) {
		f.Readers = append(f.Readers, party())
	}
	return f
}

func TestOwnersAndNobodyAreTheTopicsEnds(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 11))
	for n := range 2000 {
		f := anyFrame(r, n)
		s := settle(f)
		var written, ends int64
		for h := range Hours {
			sum := s.rest[h]
			for i := range f.Writers {
				if s.by[i][h] < 0 || s.rest[h] < 0 {
					t.Fatalf("hour %d: less than nothing", h)
				}
				sum += s.by[i][h]
			}
			if sum != s.total[h] {
				t.Fatalf("hour %d: the parts are %d and the whole %d", h, sum, s.total[h])
			}
			if _, ok := f.Appended.At(h); ok {
				written += s.total[h]
			}
		}
		for _, n := range whole(&f.Appended) {
			ends += n
		}
		if written != ends {
			t.Fatalf("%d are billed, and the ends grew by %d", written, ends)
		}
	}
}

// anyDays are some days of some topics, cut where they are told to be cut.
func anyDays(seed uint64, days int, rules Rules, cut func(day int) []int) (out []*Day) {
	r := rand.New(rand.NewPCG(seed, 3))
	for day := range days {
		var frames []*Frame
		for n := range 5 {
			frames = append(frames, anyFrame(r, n))
		}
		from := 0
		for _, to := range append(cut(day), Hours) {
			d := NewDay(november.AddDate(0, 0, day), from, to, rules)
			for _, f := range frames {
				d.Add(f)
			}
			d.Close()
			out, from = append(out, d), to
		}
	}
	return out
}

func summed(b *Bill) map[string]*big.Int {
	out := map[string]*big.Int{}
	for _, l := range b.Lines {
		key := fmt.Sprint(l.ID, l.Owner, l.Nobody, l.Meter, l.Basis)
		if out[key] == nil {
			out[key] = new(big.Int)
		}
		out[key].Add(out[key], l.Count)
	}
	return out
}

func TestAnySplitOfAWindowIsTheWhole(t *testing.T) {
	for seed := range uint64(20) {
		rules := Rules{Payers.Write[seed%2], Payers.Read[seed/2%2], Payers.Storage[seed/4%2]}
		tariff := Tariff{Rules: rules, Prices: []Price{{Per: map[Meter]Decimal{Ingress: price(t, "0.07"), Storage: price(t, "0.0001")}}}}
		const days = 3
		end := november.AddDate(0, 0, days)
		whole := New(tariff, november, end, anyDays(seed, days, rules, func(int) []int { return nil }))
		cuts := rand.New(rand.NewPCG(seed, 5))
		parts := anyDays(seed, days, rules, func(int) []int {
			return slices.Compact(slices.Sorted(slices.Values([]int{1 + cuts.IntN(23), 1 + cuts.IntN(23)})))
		})
		sums, cost := map[string]*big.Int{}, Decimal{}
		for i := range parts {
			d := parts[i]
			start := d.Start.Add(time.Duration(d.From) * time.Hour)
			b := New(tariff, start, d.Start.Add(time.Duration(d.To)*time.Hour), []*Day{d})
			for key, n := range summed(b) {
				if sums[key] == nil {
					sums[key] = new(big.Int)
				}
				sums[key].Add(sums[key], n)
			}
			if c := b.Cost(); c != nil {
				cost = cost.Plus(*c)
			}
		}
		want := summed(whole)
		if len(want) == 0 || len(sums) != len(want) {
			t.Fatalf("%d lines in the parts, %d in the whole", len(sums), len(want))
		}
		for key, n := range want {
			if sums[key].Cmp(n) != 0 {
				t.Fatalf("%s: %s in the parts, %s in the whole", key, sums[key], n)
			}
		}
		if cost.Compare(*whole.Cost()) != 0 {
			t.Fatalf("the parts cost %s, the whole %s", cost, whole.Cost())
		}
	}
}

func TestOwnersAndUnattributedAreTheClustersTotals(t *testing.T) {
	for seed := range uint64(10) {
		end := november.AddDate(0, 0, 2)
		b := New(Tariff{Rules: Usual}, november, end, anyDays(seed, 2, Usual, func(int) []int { return nil }))
		for _, g := range []Grouping{ByOwnerAndTopic, ByOwner, ByTopic} {
			sums := map[Meter]*big.Int{}
			for _, l := range b.By(g) {
				if sums[l.Meter] == nil {
					sums[l.Meter] = new(big.Int)
				}
				sums[l.Meter].Add(sums[l.Meter], l.Count)
			}
			for _, c := range b.Clusters {
				if n := sums[c.Meter]; n == nil && c.Count.Sign() != 0 || n != nil && n.Cmp(c.Count) != 0 {
					t.Fatalf("grouping %d: %s of %s, and the cluster has %s", g, n, c.Meter, c.Count)
				}
			}
		}
	}
}

func TestAPriceThatChangesSplitsTheLine(t *testing.T) {
	tariff := Tariff{Rules: Usual, Currency: "EUR", Prices: []Price{
		{Per: map[Meter]Decimal{Partitions: price(t, "1")}},
		{Cluster: "west", From: november.AddDate(0, 0, 9), Per: map[Meter]Decimal{Partitions: price(t, "2")}},
		{Cluster: "west", From: november.AddDate(0, 0, 19), Until: november.AddDate(0, 0, 24), Per: map[Meter]Decimal{Partitions: price(t, "3")}},
		{Cluster: "east", From: november.AddDate(0, 0, 4), Per: map[Meter]Decimal{Partitions: price(t, "9")}},
	}}
	var days []*Day
	for n := range 40 { // into December
		d := NewDay(november.AddDate(0, 0, n), 0, Hours, Usual)
		f := &Frame{Topic: Topic{"west", "topic:west/orders", "orders"}, Owner: "shop", Partitions: 1}
		for h := range Hours {
			f.There |= 1 << h
		}
		d.Add(f)
		days = append(days, d)
	}
	var got []string
	for _, l := range New(tariff, november, november.AddDate(0, 0, 40), days).Lines {
		got = append(got, fmt.Sprintf("%s %s %s %d/%d", l.Start.Format("01-02"), l.End.Format("01-02"), l.Cost, l.Observed, l.Of))
	}
	want := []string{"11-01 11-10 216 216/216", "11-10 11-20 480 240/240", "11-20 11-25 360 120/120", "11-25 12-01 288 144/144", "12-01 12-11 480 240/240"}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
}

func TestAWriterIsNoMoreThanTheEndsShow(t *testing.T) {
	f := &Frame{Topic: Topic{"west", "topic:west/a", "a"}, Writers: []Moved{
		{Party: Party{Owner: "late", Basis: Estimated}}, {Party: Party{Owner: "measured"}},
	}}
	for h, x := range [][3]float64{{100, 70, 60}, {100, 0, 50}} {
		f.Appended.Put(h, x[0])
		f.Writers[0].Records.Put(h, x[1])
		f.Writers[1].Records.Put(h, x[2])
	}
	s := settle(f)
	// 60 are measured, of the 70 that are estimated 40 fit; 30 come with the next hour, where 20 are left.
	if s.by[1][0] != 60 || s.by[0][0] != 40 || s.by[1][1] != 50 || s.by[0][1] != 30 || s.rest[0] != 0 || s.rest[1] != 20 {
		t.Errorf("%v, and nobody %v", s.by, s.rest)
	}
}

func TestWhatWasNotObservedIsNoZero(t *testing.T) {
	d := NewDay(november, 0, Hours, Usual)
	d.See("east")
	f := &Frame{Topic: Topic{"west", "topic:west/a", "a"}, Partitions: 3, Replicas: 3}
	for h := 6; h < 12; h++ {
		f.Appended.Put(h, 10)
		f.There |= 1 << h
	}
	d.Add(f)
	for _, cluster := range []string{"west", "still"} {
		idle := &Frame{Topic: Topic{cluster, "topic:" + cluster + "/idle", "idle"}}
		idle.Appended.Put(20, 0)
		d.Add(idle)
	}
	// of one replica nothing is copied, whatever its size
	alone := &Frame{Topic: Topic{"alone", "topic:alone/a", "a"}, Replicas: 1}
	alone.Appended.Put(6, 10)
	d.Add(alone)
	b := New(Tariff{Rules: Usual}, november, november.AddDate(0, 0, 1), []*Day{d})
	by := map[string]ClusterTotal{}
	for _, c := range b.Clusters {
		by[c.Cluster+" "+c.Meter.String()] = c
	}
	if c := by["west INGRESS_RECORDS"]; c.Observed != 7 || c.Of != 24 || c.Count.Int64() != 60 || c.Unattributed.Int64() != 60 {
		t.Errorf("records in: %+v", c)
	}
	for _, of := range []string{"west INGRESS", "west REPLICATION"} { // an idle topic beside it does not make 0 of them
		if c := by[of]; c.Count.Sign() != 0 || c.Known() {
			t.Errorf("%s of records without a size: %+v", of, c)
		}
	}
	if c := by["west INGRESS"]; c.Unsized != 60 || c.Observed != 1 {
		t.Errorf("records without a size, and an hour in which a topic was idle: %+v", c)
	}
	if c := by["still INGRESS"]; c.Observed != 1 || !c.Known() {
		t.Errorf("a topic without a size that nobody wrote to: %+v", c)
	}
	if c := by["alone REPLICATION"]; c.Observed != 1 || !c.Known() || c.Lacks != 0 || c.Count.Sign() != 0 {
		t.Errorf("copies of a topic of one replica and without a size: %+v", c)
	}
	if c := by["alone INGRESS"]; c.Observed != 0 || c.Known() {
		t.Errorf("bytes of a topic of one replica and without a size: %+v", c)
	}
	if c := by["west STORAGE"]; c.Observed != 0 {
		t.Errorf("a size that nobody read: %+v", c)
	}
	if c, ok := by["east EGRESS"]; !ok || c.Observed != 0 || c.Of != 24 {
		t.Errorf("a cluster that nobody saw: %+v", c)
	}
}

func TestAmplificationIsWhatMovesForWhatIsWritten(t *testing.T) {
	d := NewDay(november, 0, Hours, Usual)
	f := &Frame{Topic: Topic{"west", "topic:west/a", "a"}, Replicas: 3, RecordBytes: 10, Readers: []Moved{{}, {Party: Party{Mirror: true}}}}
	f.Appended.Put(0, 100)
	f.Readers[0].Records.Put(0, 150)
	f.Readers[1].Records.Put(0, 100)
	d.Add(f)
	unknown := &Frame{Topic: Topic{"west", "topic:west/b", "b"}}
	unknown.Appended.Put(0, 1)
	d.Add(unknown)
	b := New(Tariff{Rules: Usual}, november, november.AddDate(0, 0, 1), []*Day{d})
	if k, ok := b.Topics[0].Factor(); !ok || k != 5.5 || *b.Topics[0].Copied != 200 {
		t.Errorf("%v %v: %+v", k, ok, b.Topics[0])
	}
	if _, ok := b.Topics[1].Factor(); ok {
		t.Error("without knowing the replicas there is a factor")
	}
}
