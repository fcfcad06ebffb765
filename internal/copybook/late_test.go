package copybook

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// TestLateReadings has a replication that copies all and passes nothing, in bursts and rests, read by sources each of
// which may be late by up to two rounds, or see nothing for a while, over restarts: every record is counted once all is
// written down, none is taken for lost or skipped, and whenever the count is told it is no more than what was copied.
func TestLateReadings(t *testing.T) {
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 7))
		b := New(lineage.Access{}, lineage.Mirror)
		const parts, rounds = 2, 120
		var end, copied [rounds + 40][parts]int64 // as of each round
		committed := [parts]int64{-1, -1}
		seen := [2]int{1, 1} // the round that each source has read last
		late := func(source, n int) int {
			seen[source] = max(seen[source], n-max(0, r.IntN(8)-5)) // mostly it is not
			return seen[source]
		}
		told, skipped, lost := int64(0), int64(0), int64(0)
		round := t0
		burst := 0
		for n := 2; n < rounds+40; n++ {
			round = round.Add(tick)
			end[n], copied[n] = end[n-1], copied[n-1]
			if burst--; burst < -r.IntN(12) {
				burst = r.IntN(6)
			}
			for p := range parts {
				if burst > 0 && n < rounds {
					end[n][p] += int64(r.IntN(200))
				}
				copied[n][p] += min(end[n][p]-copied[n][p], int64(r.IntN(300)))
				if r.IntN(3) == 0 {
					committed[p] = copied[n][p] - 1
				}
				if n >= rounds+20 {
					copied[n][p], committed[p] = end[n][p], end[n][p]-1
				}
			}
			reading := Reading{Offsets: map[int32]int64{}, Origin: true, Certain: true, Running: true, Round: round, Interval: tick, Starts: make([]int64, parts), StartsAt: round}
			for p, offset := range committed {
				if offset >= 0 {
					reading.Offsets[int32(p)] = offset
				}
			}
			if r.IntN(20) > 0 || n > rounds {
				at := end[late(0, n)]
				reading.Ends = at[:]
			}
			if r.IntN(20) > 0 || n > rounds {
				at := copied[late(1, n)]
				reading.Copies = at[:]
			}
			b.Observe(reading)
			for _, s := range b.Tell(round.Add(-tick), true) {
				switch s.Metric {
				case lineage.Records:
					told = s.Value
				case lineage.Skipped:
					skipped = s.Value
				case lineage.Lost:
					lost = s.Value
				default:
				}
			}
			if all := copied[n][0] + copied[n][1]; told > all {
				t.Fatalf("seed %d, round %d: %d told of %d copied", seed, n, told, all)
			}
		}
		last := end[len(end)-1]
		if all := last[0] + last[1]; told != all || skipped > 0 || lost > 0 {
			t.Errorf("seed %d: %d told of %d, %d skipped, %d lost: %q", seed, told, all, skipped, lost, b.Detail("how"))
		}
	}
}

// TestStepsReachBack has a replication that commits seldom, whose copy is read late: what is counted is spread since
// before it was passed, also where it is decided after nothing was left to copy, so that no round in which progress was
// pending is left out.
func TestStepsReachBack(t *testing.T) {
	reached := 0
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 8))
		m := newReplication(t)
		// passed is the first round with what is not counted
		counted, passed, pending := m.round, time.Time{}, map[time.Time]bool{}
		for range 60 {
			m.end += r.Int64N(40)
			m.copies(1 << 40)
			if before := m.committed; r.IntN(3) == 0 {
				if m.commit(); passed.IsZero() && m.committed > before {
					passed = m.round.Add(tick)
				}
			}
			was := m.said[lineage.Records]
			m.take(1)
			pending[m.round] = m.said[lineage.Pending].Value == 1
			is := m.said[lineage.Records]
			if is.Value == was.Value {
				continue
			}
			since := is.Since
			if since.IsZero() {
				since = m.round.Add(-tick)
			}
			if !passed.IsZero() && !since.Before(passed) {
				t.Fatalf("seed %d, round %v: counted since %v, and passed by %v", seed, m.round.Sub(t0), since.Sub(t0), passed.Sub(t0))
			}
			for at := counted.Add(tick); !at.After(since); at = at.Add(tick) {
				if pending[at] {
					t.Fatalf("seed %d, round %v: counted since %v, and %v was pending", seed, m.round.Sub(t0), since.Sub(t0), at.Sub(t0))
				}
			}
			reached++
			if counted, passed = m.round, (time.Time{}); m.committed >= is.Value {
				passed = m.round
			}
		}
	}
	if reached < 500 {
		t.Errorf("%d steps", reached)
	}
}

// TestReadLate has a replication that was seen to run for three rounds before its offsets could be read: what it copied
// meanwhile is not counted, and that is said for just that time. Where it was not watched before, nothing is.
func TestReadLate(t *testing.T) {
	for _, watched := range []bool{true, false} {
		b := New(lineage.Access{}, lineage.Mirror)
		round := t0.Add(3 * tick)
		r := Reading{Offsets: map[int32]int64{0: 499}, Ends: []int64{500}, Copies: []int64{500}, Running: true, Round: round, Interval: tick}
		if r.Unread = round; watched {
			r.Unread = t0
		}
		b.Observe(r)
		s, told := records(b.Tell(round.Add(-tick), true))
		if !told || s.Estimated != watched || watched != s.Since.Equal(t0) || strings.Contains(b.Detail("how"), "at least: what was copied before") != watched {
			t.Errorf("watched before %v: %+v, %q", watched, s, b.Detail("how"))
		}
		r.Offsets, r.Ends, r.Copies, r.Round = map[int32]int64{0: 599}, []int64{600}, []int64{600}, round.Add(tick)
		b.Observe(r)
		if s, told := records(b.Tell(round, true)); !told || s.Value != 100 || s.Estimated || !s.Since.IsZero() {
			t.Errorf("watched before %v: then %+v", watched, s)
		}
	}
}
