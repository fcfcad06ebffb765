package attribution

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// writesLong is what a program writes: evenly, in bursts, or by chance, from some tick on for some time.
func writesLong(r *rand.Rand) (w burst) {
	from, every := r.IntN(20), 1+r.IntN(6)
	to := min(len(w), from+5+r.IntN(60))
	most := []int{30, 30, 100, 300}[r.IntN(4)]
	kind := r.IntN(3)
	for t := from; t < to; t += every {
		switch kind {
		case 0:
			w[t] = int64(most)
		case 1:
			w[t] = int64(r.IntN(most))
		default:
			w[t] = int64(most * (t / 5 % 2))
		}
	}
	return w
}

// errs has a source claim what a writer wrote, in its rhythm, late, and, where it errs, without one push, or with some
// of one twice.
func (b *book) errs(r *rand.Rand, name string, w *burst) {
	every, late, err := 1+r.IntN(6), int64(r.IntN(3)), r.IntN(6)
	client, sum, from, pushes := lineage.Client{ClientID: name, Instance: "I" + name}, int64(0), 0, 0
	wrong := 1 + r.IntN(8) // the push in which it does
	for t, n := range w {
		sum += n
		to := t + 1
		if to%every != 0 && to != len(w) {
			continue
		}
		if sum > 0 {
			pushes++
		}
		switch {
		case pushes == wrong && err == 0:
			sum = 0
		case pushes == wrong && err == 1:
			sum += sum / int64(1+r.IntN(4))
		}
		if pushes == wrong {
			pushes++
		}
		if sum > 0 {
			b.write("otlp", lineage.Claimed, client, lineage.Telemetry, int64(from)+late, int64(to)+late, sum)
		}
		sum, from = 0, to
	}
}

// TestConcludedThoughSourcesErr makes worlds by chance of programs that write for longer, evenly and by chance, with
// and without producer ids; some push nothing, lose a push, or count what they sent twice. Whoever is concluded to be a
// producer id is.
func TestConcludedThoughSourcesErr(t *testing.T) {
	worlds := uint64(2000)
	if os.Getenv("LINEAGED_LONG") != "" {
		worlds = 60_000
	}
	found, could := 0, 0
	for seed := range worlds {
		r := rand.New(rand.NewPCG(seed, 23))
		b := newBook()
		b.looked("kafka", "otlp")
		var left burst
		truth := map[int64]string{}
		shared := writesLong(r)
		for i := range 1 + r.IntN(5) {
			name, id := fmt.Sprint("c", i), int64(i+1)
			w := writesLong(r)
			if r.IntN(4) == 0 { // as another does
				w = shared
			}
			pushes, plain := r.IntN(4) > 0, r.IntN(4) == 0
			if pushes {
				b.errs(r, name, &w)
			}
			if plain {
				for t, n := range w {
					left[t] += n
				}
				continue
			}
			b.counted(id, &w)
			truth[id] = name
			if pushes {
				could++
			}
		}
		for t, n := range left {
			if n > 0 {
				b.grow(lineage.Left, int64(t), int64(t)+1, n)
			}
		}
		settled, _ := b.settle(0, r)
		for id, name := range concluded(settled) {
			if truth[id] != name {
				t.Errorf("seed %d: %d is taken to be %s, and is %s", seed, id, name, truth[id])
			}
			found++
		}
	}
	if t.Logf("%d of %d were found in %d worlds", found, could, worlds); found < could/3 {
		t.Errorf("%d of %d were found", found, could)
	}
}

// What a client pushes is as much as a producer id wrote that is not its own, but for one push that is lost, or counted
// twice: its own may be the other that wrote beside it.
func TestOnePushSaysNotWhose(t *testing.T) {
	three, four, later, much := evenly(20, 3, 100), evenly(20, 4, 100), evenly(40, 4, 100), evenly(20, 4, 300)
	twice, lost := three, four
	twice[20] *= 2
	lost[21] = 0
	for name, x := range map[string]struct {
		counts map[int64]*burst
		told   *burst
		want   map[int64]string
	}{
		"all arrived":                    {map[int64]*burst{1: &four, 2: &later}, &four, map[int64]string{1: "c"}},
		"some counted twice":             {map[int64]*burst{1: &four, 2: &three}, &twice, nil},
		"a push is lost":                 {map[int64]*burst{1: &three, 2: &four}, &lost, nil},
		"another wrote more in the time": {map[int64]*burst{1: &much}, &four, nil},
	} {
		w := newBesideWorld()
		for id, wrote := range x.counts {
			w.counted(id, wrote)
		}
		w.program("c", 0, burst{}, x.told, 0)
		if got := concluded(w.settleAll(rand.New(rand.NewPCG(1, 2)))); fmt.Sprint(got) != fmt.Sprint(x.want) {
			t.Errorf("%s: concluded %v, want %v", name, got, x.want)
		}
	}
}
