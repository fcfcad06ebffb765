package timeseries

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// TestLogIsSmall holds what a sample takes in a segment, its series' definition and first rounds included: where all
// move in each round, and where some do, in the order of always.
func TestLogIsSmall(t *testing.T) {
	const series, rounds = 2000, 90
	for _, test := range []struct {
		name        string
		some        int     // of so many one moves
		steady, all float64 // bytes a sample, of the last round, and of all
	}{{"all", 1, 1.8, 2.2}, {"a third", 3, 2.9, 3.9}} {
		e := testEngine(t)
		l := &appendLog{clock: e.clock, current: &segment{}}
		r := rand.New(rand.NewPCG(1, 1))
		total := make([]int64, series)
		bytes, samples, last := 0, 0, 0.0
		for n := 1; n <= rounds; n++ {
			o := testRound(n)
			o.Samples = nil
			for i := range total {
				total[i] += r.Int64N(int64(2 * (100 + i*i%9973)))
				if n == 1 || r.IntN(test.some) == 0 {
					a := lineage.Access{Topic: lineage.Topic{Cluster: "c", Name: fmt.Sprint("topic-", i/10)}, Op: lineage.Write, Client: lineage.Client{Producer: lineage.KnownProducer(int64(i))}}
					o.Samples = append(o.Samples, lineage.Sample{Subject: a, Metric: lineage.Records, Evidence: lineage.ProducerState, Value: total[i]})
				}
			}
			var w writer
			l.encode(&w, &commit{records: []*record{e.recordOf(&o, int64(n))}})
			bytes, samples = bytes+len(w.b), samples+len(o.Samples)
			last = float64(len(w.b)) / float64(len(o.Samples))
		}
		if all := float64(bytes) / float64(samples); last > test.steady || all > test.all {
			t.Errorf("%s: %.2f bytes a sample in the last round, %.2f in all, want at most %.1f and %.1f", test.name, last, all, test.steady, test.all)
		}
	}
}

// TestSamplesInTheLog writes samples whose series come in any order, twice, and in several segments, whose values are
// as far apart as they can be, and whose spans are not the round's, and reads them again.
func TestSamplesInTheLog(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 1))
		e := testEngine(t)
		l := &appendLog{clock: e.clock, current: &segment{}}
		tables := &replayTables{}
		var entries []*entry
		for i := range 20 {
			entries = append(entries, e.entry(&lineage.Access{Topic: lineage.Topic{Name: fmt.Sprint(i)}, Op: lineage.Read}))
		}
		metrics := []lineage.Metric{lineage.Records, lineage.Lag, newGauge, newCounter}
		for range 60 {
			if r.IntN(20) == 0 { // the next segment
				l.current, l.tables, tables = &segment{number: l.current.number + 1}, logTables{}, &replayTables{}
			}
			x := &record{src: e.intern(testSource), round: round{anchor: anchor{tick: 7}, span: 3}}
			for range r.IntN(40) {
				s := recordSample{entry: entries[r.IntN(len(entries))], metric: metrics[r.IntN(len(metrics))], evidence: lineage.EvidenceKind(r.IntN(3)), span: 3, value: r.Int64N(100)}
				switch r.IntN(8) {
				case 0:
					s.value = int64(r.Uint64())
				case 1:
					s.span, s.estimated = int32(1+r.IntN(maxSpanTicks)), r.IntN(2) == 0
				}
				x.samples = append(x.samples, s)
			}
			x.sightings = []recordSighting{{entry: entries[r.IntN(len(entries))]}}
			var w writer
			l.encode(&w, &commit{records: []*record{x}})
			got, err := e.decodeFrame(w.b, tables)
			must(t, err)
			if y := got[0].records[0]; !slices.Equal(y.samples, x.samples) || y.sightings[0] != x.sightings[0] {
				t.Fatalf("seed %d: %v, want %v", seed, y.samples, x.samples)
			}
		}
	}
}

// TestSamplesOfDamage cuts off and changes what samples wrote, as if no checksum had told: it is an error or other
// samples, and never more of them than there are bits.
func TestSamplesOfDamage(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	e := testEngine(t)
	l := &appendLog{clock: e.clock, current: &segment{}}
	var w writer
	for range 3 {
		l.encode(&w, &commit{records: []*record{randomRecord(e, r)}})
	}
	for i := range w.b {
		if _, err := e.decodeFrame(w.b[:i:i], &replayTables{}); err == nil && i > 0 {
			if _, err := e.decodeFrame(w.b[i:], &replayTables{}); err == nil {
				t.Errorf("%d bytes of %d are read, and what comes after them too", i, len(w.b))
			}
		}
		for _, y := range []byte{w.b[i] ^ 1, w.b[i] ^ 0x80, 0, 0xff} {
			b := slices.Clone(w.b)
			b[i] = y
			all, err := e.decodeFrame(b, &replayTables{})
			if err != nil {
				continue
			}
			for _, c := range all {
				for _, x := range c.records {
					if len(x.samples) > 8*len(b) {
						t.Fatalf("byte %d as %#x: %d samples of %d bytes", i, y, len(x.samples), len(b))
					}
				}
			}
		}
	}
}
