package attribution

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// wordsOfLink is why a producer id was concluded to be somebody.
func wordsOfLink(settled []lineage.Settled, id int64) []lineage.Word {
	for _, s := range settled {
		if n, _ := s.Access.Client.Producer.Value(); s.Metric == lineage.Linked && n == id {
			return s.Words
		}
	}
	return nil
}

// sample has a log that saw no time wholly tell what was written in some ticks by a client.
func (b *book) sample(client string, w *burst, ticks ...int64) {
	for _, t := range ticks {
		if n := w[t] / 2; n > 0 {
			b.write("log", lineage.Claimed, lineage.Client{ClientID: client}, lineage.RequestLog, t, t+1, n)
		}
	}
}

// TestConcludedBySamples: a sampled request log sees half of some ticks. What it saw a client write is counted where
// it is not left, and so the client is the one producer id without a name that wrote then.
func TestConcludedBySamples(t *testing.T) {
	var all, some, none burst
	for i := range all {
		all[i] = 40
		if i < 20 || i >= 45 {
			some[i] = 40
		}
	}
	samples := []int64{10, 30, 50}
	plain := func(b *book, w *burst) { // without idempotence
		for i, n := range w {
			if n > 0 {
				b.grow(lineage.Left, int64(i), int64(i)+1, n)
			}
		}
	}
	for _, x := range []struct {
		name string
		make func(b *book)
		want map[int64]string
	}{
		{"one that began before", func(b *book) { b.counted(5, &all); b.sample("a", &all, samples...) }, map[int64]string{5: "a"}},
		{"beside one that writes at other times", func(b *book) {
			b.counted(5, &all)
			var other burst
			other[22], other[40] = 90, 90
			b.counted(6, &other)
			b.sample("a", &all, samples...)
		}, map[int64]string{5: "a"}},
		{"beside one that has a name", func(b *book) {
			b.counted(5, &all)
			b.counted(6, &all)
			b.write("log", lineage.Linked, lineage.Client{Producer: lineage.KnownProducer(6), ClientID: "b"}, lineage.RequestLog, 0, 1, 1)
			b.sample("a", &all, samples...)
			b.sample("b", &all, samples...)
		}, map[int64]string{5: "a"}},
		{"it is among what is left", func(b *book) { b.counted(5, &all); plain(b, &all); b.sample("a", &all, samples...) }, nil},
		{"two without a name", func(b *book) { b.counted(5, &all); b.counted(6, &all); b.sample("a", &all, samples...) }, nil},
		{"two clients", func(b *book) {
			b.counted(5, &all)
			b.sample("a", &all, samples...)
			b.sample("b", &all, samples...)
		}, nil},
		{"it wrote when the producer id did not", func(b *book) { b.counted(5, &some); b.sample("a", &all, samples...) }, nil},
		{"seen twice", func(b *book) { b.counted(5, &all); b.sample("a", &all, 10, 30) }, nil},
		{"told of another principal", func(b *book) {
			b.counted(5, &all)
			for _, n := range samples {
				b.write("log", lineage.Claimed, lineage.Client{ClientID: "a", Principal: "User:a"}, lineage.RequestLog, n, n+1, 20)
			}
			b.write("log", lineage.Linked, lineage.Client{Producer: lineage.KnownProducer(5), Principal: "User:b"}, lineage.RequestLog, 0, 1, 1)
		}, nil},
		{"nothing was seen", func(b *book) { b.counted(5, &all); b.sample("a", &none, samples...) }, nil},
	} {
		b := newBook()
		b.looked("kafka")
		for n := range int64(66) {
			b.look("log", n, false)
		}
		x.make(b)
		settled, _ := b.settle(0, rand.New(rand.NewPCG(1, 2)))
		if got := concluded(settled); fmt.Sprint(got) != fmt.Sprint(x.want) {
			t.Errorf("%s: concluded %v, want %v", x.name, got, x.want)
		}
		for id, name := range x.want {
			if n := recordsOf(settled, name); n != 0 {
				t.Errorf("%s: %s, whom the broker counts as %d, is debited %d once more", x.name, name, id, n)
			}
			for _, s := range settled {
				if s.Metric == lineage.Linked && !strings.HasPrefix(s.Words[0].Text, "concluded: what REQUEST_LOG saw this client write") {
					t.Errorf("%s: %+v", x.name, s.Words)
				}
			}
		}
	}
}

// TestCountsOfSamples: who writes without idempotence is given what samples saw, and it is said that this is not all.
func TestCountsOfSamples(t *testing.T) {
	for whole, want := range map[bool]string{true: whyLogged, false: whySampled} {
		b := newBook()
		b.looked("kafka")
		for n := range int64(66) {
			b.look("log", n, whole)
		}
		for i := range int64(60) {
			b.grow(lineage.Left, i, i+1, 40)
		}
		for _, n := range []int64{10, 30, 50} {
			b.write("log", lineage.Claimed, lineage.Client{ClientID: "a"}, lineage.RequestLog, n, n+1, 20)
		}
		settled, _ := b.settle(0, nil)
		if n := recordsOf(settled, "a"); n != 60 {
			t.Errorf("whole %v: a is given %d", whole, n)
		}
		for _, s := range settled {
			if s.Metric == lineage.Records && s.Access.Client.ClientID == "a" && (len(s.Words) == 0 || s.Words[0].Text != want) {
				t.Errorf("whole %v: it is said %+v", whole, s.Words)
			}
		}
	}
}

// TestSamplesConcludeTheTruth makes worlds by chance of idempotent and plain writers with a name in each sample, of
// which some are not there when one is taken: whatever is concluded is true.
func TestSamplesConcludeTheTruth(t *testing.T) {
	found := 0
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 7))
		b := newBook()
		b.looked("kafka")
		for n := range int64(66) {
			b.look("log", n, false)
		}
		var left burst
		truth := map[string]int64{}
		for id := range int64(1 + r.IntN(4)) {
			name := fmt.Sprint("c", id)
			var w burst
			every := 1 + r.IntN(9)
			for i := r.IntN(every); i < len(w); i += every {
				w[i] = int64(10 + r.IntN(80))
			}
			plain, named := r.IntN(3) == 0, r.IntN(3) == 0
			if plain {
				for i, n := range w {
					left[i] += n
				}
			} else {
				b.counted(id, &w)
				truth[name] = id
			}
			if named && !plain {
				b.write("log", lineage.Linked, lineage.Client{Producer: lineage.KnownProducer(id), ClientID: name}, lineage.RequestLog, 0, 1, 1)
			}
			seen := w
			for i := range seen { // a sample is a part of a tick, in which it did not write always
				if r.IntN(3) == 0 {
					seen[i] = 0
				}
			}
			b.sample(name, &seen, 8, 18, 28, 38, 48, 58)
		}
		for i, n := range left {
			if n > 0 {
				b.grow(lineage.Left, int64(i), int64(i)+1, n)
			}
		}
		settled, _ := b.settle(0, r)
		for id, name := range concluded(settled) {
			if is, idempotent := truth[name]; !idempotent || is != id {
				t.Errorf("seed %d: %d is taken to be %s: %+v", seed, id, name, wordsOfLink(settled, id))
			}
			found++
		}
	}
	if t.Logf("%d links were concluded", found); found < 40 {
		t.Error("next to nothing was")
	}
}
