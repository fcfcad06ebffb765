package timeseries

import (
	"context"
	"math/rand/v2"
	"reflect"
	"slices"
	"sort"
	"testing"
	"time"
	"unsafe"

	"github.com/lineaged/lineaged/lineage"
)

// plainHead is a head as a list, to hold a real one against.
type plainHead struct {
	base    int64
	samples []sample
}

// TestHead changes a head in all ways that there are, in any order: it is always what a plain list is, walked from any
// tick on; its packs say what their samples say; and a copy that was taken before stays as it was.
func TestHead(t *testing.T) {
	sources := []*source{{id: 0, name: lineage.Source{Cluster: "a"}}, {id: 1, name: lineage.Source{Cluster: "b"}}}
	for seed := range uint64(25) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := &series{key: seriesKey{Metric: lineage.Records}}
		var want plainHead
		if seed%3 == 0 {
			s.base, want.base = noTotal, noTotal
		}
		value, regular, many := int64(0), seed%2 == 0, 1
		if seed%5 == 0 { // what is derived may have several of one tick
			many = 5
		}
		random := func(tick int64) sample {
			switch x := r.IntN(100); {
			case x == 0:
				value = int64(r.Uint64())
			case x == 1:
				value = lineage.Unknown
			case x < 5:
				value -= int64(r.IntN(1000))
			default:
				value += int64(r.IntN(1000))
			}
			x := sample{value: value, tick: tick, span: 1}
			if !regular {
				x.span, x.estimated, x.src = int32(1+r.IntN(40)), r.IntN(100) == 0, uint16(r.IntN(50)/49)
			}
			return x
		}
		tick, dropped := int64(1000), int64(1000)
		for range 800 {
			old := s.head
			oldSamples := old.since(0)
			n := len(want.samples)
			switch {
			case r.IntN(20) > 0 || n == 0:
				if tick++; !regular || r.IntN(20) == 0 {
					tick += int64(r.IntN(3))
				}
				x := random(tick)
				s.add(x, sources)
				want.samples = append(want.samples, x)
			case r.IntN(3) == 0 && many == 1: // late, or a second time
				x := random(dropped + 1 + r.Int64N(tick-dropped))
				s.add(x, sources)
				i := sort.Search(n, func(i int) bool { return want.samples[i].tick >= x.tick })
				switch {
				case want.samples[i].tick != x.tick:
					want.samples = slices.Insert(slices.Clone(want.samples), i, x)
				case x.outranks(want.samples[i], sources):
					want.samples[i] = x
				}
			case r.IntN(3) == 0: // what was settled is settled anew
				i := n - r.IntN(min(n, 150))
				for i > 0 && i < n && want.samples[i-1].tick == want.samples[i].tick {
					i--
				}
				at := dropped
				if i > 0 {
					at = want.samples[i-1].tick
				}
				s.head.truncate(at, s.base)
				var anew []sample
				for _, x := range want.samples[i:] {
					for range []int{0, 1, 1, 1, 1, 1, 1, many}[r.IntN(8)] {
						x = random(x.tick)
						s.head.push(x, s.base)
						anew = append(anew, x)
					}
				}
				want.samples = append(want.samples[:i:i], anew...)
			case r.IntN(3) == 0:
				i := r.IntN(n)
				dropped = want.samples[i].tick
				for i+1 < n && want.samples[i+1].tick == dropped {
					i++
				}
				s.drop(dropped, sources)
				want.base, want.samples = want.samples[i].value, want.samples[i+1:]
			case r.IntN(2) == 0 && s.base != noTotal:
				s.base, want.base = s.base+7, want.base+7
				s.head.grow(7)
				want.samples = slices.Clone(want.samples)
				for i := range want.samples {
					want.samples[i].value += 7
				}
			default: // a sample after a loss reaches back
				i := r.IntN(n)
				want.samples = slices.Clone(want.samples)
				want.samples[i].span = 100
				s.head.set(want.samples, s.base)
			}
			if !slices.Equal(old.since(0), oldSamples) {
				t.Fatal("what was handed out has changed")
			}
			checkHead(t, s, &want, dropped+r.Int64N(tick-dropped+3)-1)
		}
	}
}

// checkHead looks from a tick on.
func checkHead(t *testing.T, s *series, want *plainHead, from int64) {
	t.Helper()
	h, n := &s.head, len(want.samples)
	if got := h.since(0); !slices.Equal(got, want.samples) {
		t.Fatalf("the head is %v, want %v", got, want.samples)
	}
	i := sort.Search(n, func(i int) bool { return want.samples[i].tick > from })
	before := func(i int) int64 {
		if i > 0 {
			return want.samples[i-1].value
		}
		return want.base
	}
	c := h.after(from, s.base)
	if s.base != want.base || c.before != before(i) {
		t.Fatalf("before the first sample after %d is %d, want %d", from, c.before, before(i))
	}
	for j := i; j < n; j++ {
		if !c.next() || c.sample != want.samples[j] || c.before != before(j) {
			t.Fatalf("after %d comes %v after %d, want %v after %d", from, c.sample, c.before, want.samples[j], before(j))
		}
	}
	if c.next() {
		t.Fatalf("after the last comes %v", c.sample)
	}
	if v, ok := h.valueAt(from); ok != (i > 0) || ok && v != before(i) {
		t.Fatalf("at %d it is %d, %t; want %d, %t", from, v, ok, before(i), i > 0)
	}
	j := n
	h.back(func(x sample) bool { j--; return x == want.samples[j] })
	widest := int64(0)
	for _, x := range want.samples {
		widest = max(widest, int64(x.span))
	}
	if j != 0 || h.any() != (n > 0) || h.maxSpan != widest || n > 0 && (h.newest != want.samples[n-1] || h.firstTick() != want.samples[0].tick) {
		t.Fatalf("back to %d, newest %v, longest span %d of %v", j, h.newest, h.maxSpan, want.samples)
	}
	at := 0
	for k := range len(h.packs) + 1 {
		p := h.pack(k)
		if k < len(h.packs) && cap(p.code)-len(p.code) > len(p.code)/8+16 { // in steps of the allocator
			t.Fatalf("a pack that is closed has %d bytes and room for %d", len(p.code), cap(p.code))
		}
		x := pack{code: p.code, n: p.n, before: p.before}
		for i := at; i < at+int(p.n); i++ {
			y := want.samples[i]
			if i == at {
				x.first, x.src, x.reach = y.tick, y.src, never
			}
			x.last = y.tick
			x.sum += advance(before(i), y.value)
			x.reach, x.maxSpan = min(x.reach, y.tick-int64(y.span)), max(x.maxSpan, y.span)
			x.mixed, x.estimated = x.mixed || y.src != x.src, x.estimated || y.estimated
		}
		at += int(p.n)
		if !reflect.DeepEqual(*p, x) {
			t.Fatalf("pack %d of %d is %+v, want %+v", k, len(h.packs), *p, x)
		}
	}
}

// TestHeadIsSmall holds what a sample takes in memory: of counters that grow evenly, and of those that seldom move.
func TestHeadIsSmall(t *testing.T) {
	for _, test := range []struct {
		name  string
		every int64
		most  float64
	}{{"each tick", 1, 3.7}, {"every tenth", 10, 5.9}} {
		r := rand.New(rand.NewPCG(1, 1))
		var h head
		const n = 600
		value := int64(0)
		for i := int64(1); i <= n; i++ {
			value += 2000 + r.Int64N(4000)
			h.push(sample{value: value, tick: 1000 + i*test.every, span: 1}, 0)
		}
		bytes := cap(h.open.code)
		for _, p := range h.packs {
			bytes += cap(p.code)
		}
		bytes += cap(h.packs) * int(unsafe.Sizeof(pack{}))
		if got := float64(bytes) / n; got >= test.most {
			t.Errorf("%s: %.1f bytes a sample, want less than %.1f", test.name, got, test.most)
		}
	}
}

// uneven is how many rounds appendUneven appends.
const uneven = 600

var unevenTopic = lineage.Topic{Cluster: "w", Name: "orders"}

func unevenWriter(i int) lineage.Access {
	return lineage.Access{Topic: unevenTopic, Op: lineage.Write, Client: lineage.Client{Producer: lineage.KnownProducer(int64(i))}}
}

// appendUneven appends rounds of three counters that reset, reach back, change their source and are not always
// observed. Some of them are sealed.
func appendUneven(t *testing.T, s *Memory, r *rand.Rand) {
	t.Helper()
	total := [3]int64{}
	since := [3]time.Time{testStart, testStart, testStart}
	for n := 1; n <= uneven; n++ {
		o := testRound(n)
		o.Samples = nil
		if n%200 > 195 { // nothing of the topic was seen
			o.Missing = []lineage.Missing{{Reason: "hidden", Share: 0.5, Topics: []lineage.Topic{unevenTopic}}}
			must(t, s.Append(t.Context(), o))
			continue
		}
		if n%140 == 99 { // not even a round
			continue
		}
		if n%110 == 20 { // another source sees its steps, and saw none of what was before; this one goes on
			must(t, s.Append(t.Context(), o))
			o.Source.Name = "other"
		}
		for i := range total {
			if i == 1 && n%110 != 20 && (n%110 == 19 || r.IntN(3) > 0) { // steps of more than a round
				continue
			}
			if total[i] += int64(1 + r.IntN(50)); i == 2 && r.IntN(60) == 0 {
				total[i] = 0
			}
			o.Samples = append(o.Samples, lineage.Sample{
				Subject: unevenWriter(i), Metric: lineage.Records, Evidence: lineage.ProducerState, Value: total[i], Since: since[i], Estimated: n%75 == 0,
			}, lineage.Sample{Subject: unevenWriter(i), Metric: lineage.Pending, Value: int64(i)})
			since[i] = o.Round
		}
		must(t, s.Append(t.Context(), o))
		if n == 220 { // some of it is sealed, and what is left does not begin with a whole pack
			must(t, s.Maintain(t.Context(), o.Round))
		}
	}
}

// TestAmountOfPacks holds that an amount of any window of uneven counters is the same whether packs are added up or
// each sample is looked at.
func TestAmountOfPacks(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	s := NewMemory(testOpts)
	appendUneven(t, s, r)
	used := 0
	for range 10_000 {
		a := r.IntN(uneven)
		b := a + 1 + r.IntN(uneven-a)
		v, err := s.view(context.Background(), lineage.Window{Start: testStart.Add(time.Duration(a) * time.Minute), End: testStart.Add(time.Duration(b) * time.Minute)}, nil)
		must(t, err)
		for i := range 3 {
			x := entryOf(s.engine, unevenWriter(i)).subject.find(lineage.Records, lineage.ProducerState)
			p, plain := s.probe(x.key, nil), s.probe(x.key, nil)
			used += len(p.head.packs)
			plain.head.packs = slices.Clone(plain.head.packs)
			for i := range plain.head.packs {
				plain.head.packs[i].mixed = true
			}
			plain.head.open.mixed = true
			got, ticks, err := v.amount(p)
			must(t, err)
			want, wantTicks, err := v.amount(plain)
			must(t, err)
			if got != want || ticks != wantTicks {
				t.Fatalf("rounds %d to %d of %d: %+v over %d ticks, want %+v over %d", a, b, i, got, ticks, want, wantTicks)
			}
		}
		v.end()
	}
	if used == 0 {
		t.Error("there are no packs")
	}
	must(t, s.Close())
}

// TestSeriesIsSmall holds that a series takes three lines of a cache, and what each sample needs two.
func TestSeriesIsSmall(t *testing.T) {
	var s series
	if got := unsafe.Sizeof(s); got != 192 {
		t.Errorf("a series takes %d bytes", got)
	}
	if got := unsafe.Offsetof(s.head) + unsafe.Offsetof(s.head.open) + unsafe.Offsetof(s.head.open.before); got > 128 {
		t.Errorf("what a sample needs of a series ends at byte %d", got)
	}
}

// TestPackWithin asks a pack for what lies in random stretches: it has what its samples say, or says nothing where one
// of them lies in the stretch in part, or any is estimated.
func TestPackWithin(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 4))
	said, silent := 0, 0
	for range 300 {
		var h head
		const start = 1000
		base, wide, guessed := r.Int64N(100), r.IntN(2) == 0, r.IntN(4) == 0
		value, tick := base, int64(start)
		for range 1 + r.IntN(packLen-1) {
			x := sample{span: 1, estimated: guessed && r.IntN(40) == 0}
			if wide && r.IntN(5) == 0 {
				x.span += r.Int32N(9)
			}
			if value += r.Int64N(50); r.IntN(20) == 0 {
				value = r.Int64N(10)
			}
			tick += int64(x.span) + int64(r.IntN(8)/7)
			x.value, x.tick = value, tick
			h.push(x, base)
		}
		for range 50 {
			lo := start - 3 + r.Int64N(tick-start+6)
			hi := lo + r.Int64N(tick-start+6)
			want, whole, before := int64(0), true, base
			for _, x := range h.since(0) {
				from := x.tick - int64(x.span)
				switch {
				case x.estimated || from < lo && x.tick > lo && from < hi || from < hi && x.tick > hi && x.tick > lo:
					whole = false
				case from >= lo && x.tick <= hi:
					want += advance(before, x.value)
				}
				before = x.value
			}
			sum, ok := h.open.within(lo, hi)
			switch {
			case ok != whole || ok && sum != want:
				t.Fatalf("(%d, %d] of %v after %d: %d, %t, want %d, %t", lo, hi, h.since(0), base, sum, ok, want, whole)
			case ok:
				said++
			default:
				silent++
			}
		}
	}
	if said < 1000 || silent < 1000 {
		t.Errorf("the packs said something %d times, and nothing %d times", said, silent)
	}
}
