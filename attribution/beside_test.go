package attribution

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// besideWorld has programs write for a few ticks, with and without a producer id, that push what they write.
type besideWorld struct {
	*book
	left burst
}

// program has one write; id 0 is none. told is what it pushes of each tick; nil: it pushes nothing.
func (w *besideWorld) program(name string, id int64, wrote burst, told *burst, late int64) {
	if id > 0 {
		w.counted(id, &wrote)
	} else {
		for t, n := range wrote {
			w.left[t] += n
		}
	}
	if told == nil {
		return
	}
	client := lineage.Client{ClientID: name, Instance: "I" + name, Principal: "User:alice"}
	for t, n := range told {
		if n > 0 {
			w.write("otlp", lineage.Claimed, client, lineage.Telemetry, int64(t), int64(t)+1+late, n)
		}
	}
}

func (w *besideWorld) settleAll(r *rand.Rand) []lineage.Settled {
	for t, n := range w.left {
		if n > 0 {
			w.grow(lineage.Left, int64(t), int64(t)+1, n)
		}
	}
	settled, _ := w.settle(0, r)
	return settled
}

func newBesideWorld() *besideWorld {
	w := &besideWorld{book: newBook()}
	w.looked("kafka", "otlp")
	return w
}

// evenly is so many records in each of some ticks.
func evenly(from, ticks int, n int64) (w burst) {
	for t := from; t < from+ticks; t++ {
		w[t] = n
	}
	return w
}

// A producer id that nobody named wrote as a client pushes that it did. Where nobody else wrote, or too little for the
// client to be among it, it is that client's. Where somebody without a name wrote as much beside it that one may be the
// client, and the producer id somebody's who pushes nothing.
func TestTheNamelessBesideAProducer(t *testing.T) {
	for beside, want := range map[int64]string{0: "checkout", 100: "checkout", 400: "", 1000: ""} {
		w := newBesideWorld()
		wrote := evenly(20, 20, 400)
		w.program("checkout", 5, wrote, &wrote, 1)
		w.program("dark", 0, evenly(20, 20, beside), nil, 0)
		settled := w.settleAll(rand.New(rand.NewPCG(3, 4)))
		if got := concluded(settled)[5]; got != want {
			t.Errorf("%d a tick beside it: it is taken to be %q, want %q", beside, got, want)
		}
	}
}

// TestConcludedBesideTheNameless makes worlds by chance, of programs that write at once for a few ticks, with and
// without producer ids, as much as others or not: some push nothing, lose a push, or count what they sent twice.
// Whoever is concluded to be a producer id is.
func TestConcludedBesideTheNameless(t *testing.T) {
	worlds := uint64(3000)
	if os.Getenv("LINEAGED_LONG") != "" {
		worlds = 100_000
	}
	found := 0
	for seed := range worlds {
		r := rand.New(rand.NewPCG(seed, 17))
		w := newBesideWorld()
		from, amounts := 10+r.IntN(10), []int64{10, 100, 100, 110, 200, 300}
		truth := map[int64]string{}
		for i := range 1 + r.IntN(5) {
			name, id := fmt.Sprint("c", i), int64(0)
			if r.IntN(2) == 0 {
				id = int64(i + 1)
				truth[id] = name
			}
			wrote := evenly(from+r.IntN(3), 3+r.IntN(4), amounts[r.IntN(len(amounts))]+int64(r.IntN(5)))
			told := wrote
			switch r.IntN(10) {
			case 0:
				w.program(name, id, wrote, nil, 0)
				continue
			case 1: // a push is lost
				lost := slices.IndexFunc(told[:], func(n int64) bool { return n > 0 })
				told[lost+r.IntN(3)] = 0
			case 2: // it sent some twice
				twice := slices.IndexFunc(told[:], func(n int64) bool { return n > 0 })
				told[twice] += told[twice] / int64(1+r.IntN(4))
			}
			w.program(name, id, wrote, &told, int64(r.IntN(3)))
		}
		for id, name := range concluded(w.settleAll(r)) {
			if truth[id] != name {
				t.Errorf("seed %d: %d is taken to be %s, and is %s", seed, id, name, truth[id])
			}
			found++
		}
	}
	if t.Logf("%d were concluded in %d worlds", found, worlds); found < int(worlds)/30 {
		t.Errorf("%d were concluded", found)
	}
}
