package timeseries

import (
	"math/rand/v2"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// TestWordsAreThoseSaidLast says words of random ticks, takes back what came after a tick, and seals, in any order: the
// newest is that of the tick that was said last, and what stands at a tick what was said last up to it, however the
// words were folded.
func TestWordsAreThoseSaidLast(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 3))
	for n := range 3000 {
		w := &words{}
		said := map[int64]string{} // the model: by tick
		sealed, last := int64(0), int64(0)
		for range 40 {
			switch r.IntN(4) {
			case 0: // what is open is settled anew from a tick on
				last = sealed + r.Int64N(max(last-sealed, 0)+1)
				w.after(last)
				for tick := range said {
					if tick > last {
						delete(said, tick)
					}
				}
			case 1:
				if until := sealed + r.Int64N(6); until > sealed && until <= last {
					w.seal(until)
					sealed = until
				}
			default:
				last += 1 + r.Int64N(3)
				said[last] = string(rune('a' + r.IntN(2)))
				w.say(lineage.Word{At: last, Text: said[last]})
			}
			newest := int64(0)
			for tick := range said {
				newest = max(newest, tick)
			}
			got := w.newest()
			// What is taken back in the midst of what was said again and again may keep a tick at which nothing was
			// said.
			if got.Text != said[newest] || got.At < newest || got.At > max(last, newest) {
				t.Fatalf("%d: the newest is %+v, want %q of %d; said %v, sealed %d", n, got, said[newest], newest, said, sealed)
			}
			newest = 0
			for tick := range said {
				if tick <= sealed {
					newest = max(newest, tick)
				}
			}
			if w.sealed.Text != said[newest] || w.sealed.At < newest || w.sealed.At > sealed {
				t.Fatalf("%d: sealed is %+v, want %q of %d; said %v, sealed %d", n, w.sealed, said[newest], newest, said, sealed)
			}
			want := said[newest]
			for tick := sealed; tick <= last+1; tick++ {
				if text, ok := said[tick]; ok {
					want = text
				}
				if got := w.at(tick); got.Text != want || got.At > max(tick, 0) {
					t.Fatalf("%d: at %d %+v stands, want %q; said %v, sealed %d", n, tick, got, want, said, sealed)
				}
			}
		}
	}
}
