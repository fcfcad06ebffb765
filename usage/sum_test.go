package usage

import (
	"math"
	"math/big"
	"reflect"
	"testing"
	"time"
)

// TestASumGoesOn adds up days with a look at the bill in between: that changes nothing, and neither does how the days
// lie in it.
func TestASumGoesOn(t *testing.T) {
	start := time.Date(2026, 10, 30, 0, 0, 0, 0, time.UTC)
	const days = 5
	var all []*Day
	for n := range days {
		d := NewDay(start.AddDate(0, 0, n), 0, Hours, Usual)
		for _, topic := range []string{"orders", "payments", "gone"} {
			if topic == "gone" && n > 1 {
				continue
			}
			f := Frame{Topic: Topic{Cluster: "west", ID: "topic:west/" + topic, Name: topic}, Owner: "shop", Partitions: 3, RecordBytes: 10}
			if topic == "orders" || n == 2 {
				f.Replicas = 3
			}
			for h := range Hours {
				f.Appended.Put(h, float64(n+h))
			}
			d.Add(&f)
		}
		d.Close()
		all = append(all, d)
	}
	end := start.AddDate(0, 0, days)
	price, err := ParseDecimal("0.05")
	if err != nil {
		t.Fatal(err)
	}
	tariff := Tariff{Rules: Usual, Prices: []Price{{From: start.AddDate(0, 0, 3), Per: map[Meter]Decimal{Ingress: price}}}}
	s := NewSum(tariff, start, end)
	light := s.Weight()
	var early *Bill
	for n, d := range all {
		if s.Add(d); n == 1 {
			early = s.Bill()
		}
	}
	got, want := s.Bill(), New(tariff, start, end, all)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("a sum that was looked at is\n%+v, want\n%+v", got, want)
	}
	if again := New(tariff, start, end, all[:2]); !reflect.DeepEqual(early, again) {
		t.Errorf("the bill of two days changed with those that were added later:\n%+v, want\n%+v", early, again)
	}
	if len(want.Topics) != 3 || want.Topics[0].Copied == nil || s.Weight() <= light {
		t.Errorf("topics %+v, weight %d after %d", want.Topics, s.Weight(), light)
	}
}

// A count does not turn over: a petabyte that lies for a year is more than 63 bits of byte-hours.
func TestASumOfAYearOfAPetabyte(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := NewSum(Tariff{Rules: Usual}, start, start.AddDate(0, 0, 1))
	key, want := chargeKey{topic: s.topic(Topic{Cluster: "west", ID: "x"})}, new(big.Int)
	for _, n := range []int64{math.MaxInt64, math.MaxInt64, math.MaxInt64, -5, math.MinInt64, 7} {
		s.add(key, n)
		want.Add(want, big.NewInt(n))
		if got := s.charges[0].count(); got.Cmp(want) != 0 {
			t.Fatalf("after %d: %s, want %s", n, got, want)
		}
	}
}
