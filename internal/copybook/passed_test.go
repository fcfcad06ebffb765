package copybook

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// replication is a world of one partition: a source's log, MirrorMaker 2 and its copy, and a book that reads them as
// the sources do, each a little late.
type replication struct {
	t              *testing.T
	b              *Book
	round          time.Time
	start, end     int64 // of the source's log
	at, committed  int64 // next record to copy; offset of the last record copied, as written down
	copy           int64 // end of the copy
	running        bool
	blind          bool // the copy is not watched
	compacted      bool
	said           map[lineage.Metric]lineage.Sample
	estimated      bool // a count was told as an estimate
	events         []lineage.Event
	starts         int64
	startsAt       time.Time
	oldEnd, oldCop int64
}

func newReplication(t *testing.T) *replication {
	m := &replication{t: t, b: New(lineage.Access{}, lineage.Mirror), round: t0, committed: -1, running: true, said: map[lineage.Metric]lineage.Sample{}, startsAt: t0}
	m.take(1)
	return m
}

// copies copies n records, or what there is.
func (m *replication) copies(n int64) {
	m.at = max(m.at, m.start)
	n = min(n, m.end-m.at)
	m.at += n
	m.copy += n
}

func (m *replication) commit() { m.committed = m.at - 1 }

// take takes some rounds. The ends are of the round before, the start of when it was read last: each sixth round, and
// where the book asks.
func (m *replication) take(rounds int) {
	m.t.Helper()
	for range rounds {
		m.round = m.round.Add(tick)
		if m.b.Undecided() || m.round.Sub(m.startsAt) >= 6*tick {
			m.starts, m.startsAt = m.start, m.round
		}
		r := Reading{
			Offsets: map[int32]int64{}, Ends: []int64{max(m.oldEnd, m.committed+1)}, Starts: []int64{m.starts}, StartsAt: m.startsAt, Copies: []int64{m.oldCop}, Compacted: m.compacted,
			Origin: true, Certain: true, Running: m.running, Round: m.round, Interval: tick,
		}
		if m.blind {
			r.Copies = nil
		}
		if m.committed >= 0 {
			r.Offsets[0] = m.committed
		}
		m.b.Observe(r)
		for _, s := range m.b.Tell(m.round.Add(-tick), true) {
			m.said[s.Metric] = s
			m.estimated = m.estimated || s.Metric == lineage.Records && s.Estimated
		}
		m.events = append(m.events, m.b.Events()...)
		m.oldEnd, m.oldCop = m.end, m.copy
	}
}

func (m *replication) want(what string, copied, lost, skipped int64, estimated bool, detail string) {
	m.t.Helper()
	n := func(x lineage.Metric) int64 { return m.said[x].Value }
	if n(lineage.Records) != copied || n(lineage.Lost) != lost || n(lineage.Skipped) != skipped || m.estimated != estimated || !strings.Contains(m.b.Detail("how"), detail) {
		m.t.Errorf("%s: %d copied, %d lost, %d skipped, estimated %v, %q; want %d, %d, %d, %v, %q", what, n(lineage.Records), n(lineage.Lost), n(lineage.Skipped), m.estimated, m.b.Detail("how"), copied, lost, skipped, estimated, detail)
	}
	told := int64(0)
	for _, e := range m.events {
		if e.Type == lineage.RecordsLost {
			told++
		}
	}
	if (told > 0) != (lost > 0) {
		m.t.Errorf("%s: events %v", what, m.events)
	}
}

// flow copies and commits for some rounds all that is written.
func (m *replication) flow(rounds int, n int64) {
	for range rounds {
		m.end += n
		m.copies(n)
		m.commit()
		m.take(1)
	}
}

// What retention takes while MirrorMaker 2 is down was not copied: its offsets pass it all the same.
func TestLostWhileDown(t *testing.T) {
	m := newReplication(t)
	m.flow(5, 40)
	m.take(3)
	m.want("before", 200, 0, 0, false, "how")
	m.running = false
	m.end = 1500
	m.take(2)
	m.start = 1000
	m.take(8)
	if got := m.said[lineage.Lag].Value; got != 500 {
		t.Errorf("what is left to copy is %d, and said is %d", 500, got)
	}
	m.want("while it is down", 200, 800, 0, false, "at most: 800 records were gone")
	m.running = true
	m.copies(1000)
	m.commit()
	m.take(8)
	// what was gone was told before, and all that was passed since is in the copy
	m.want("afterwards", 700, 800, 0, true, "how")
	if m.said[lineage.Lag].Value != 0 {
		t.Errorf("the lag is %d", m.said[lineage.Lag].Value)
	}
}

// So it is where nobody saw that it was down, and where the start was read before.
func TestLostUnseen(t *testing.T) {
	for _, blind := range []bool{false, true} {
		m := newReplication(t)
		m.blind = blind
		m.flow(5, 40)
		m.take(20)
		m.estimated = false
		m.end, m.start = 1500, 1000
		m.copies(1000)
		m.commit()
		m.take(1)
		if n := m.said[lineage.Records].Value; n > 700 {
			t.Errorf("at once %d are said", n)
		}
		m.take(6)
		detail := "at most: 800"
		if blind {
			detail = "at least: 800 of the offsets"
		}
		m.want("unseen", 700, 800, 0, true, detail)
	}
}

// Offsets that were set are not copied up to.
func TestSetOffsets(t *testing.T) {
	m := newReplication(t)
	m.flow(5, 40)
	m.end = 1500
	m.at = 1000
	m.copies(500)
	m.commit()
	m.take(6)
	m.want("set forward", 700, 0, 800, true, "at most")
	if len(m.events) != 1 || m.events[0].Type != lineage.OffsetsSet || !strings.Contains(m.events[0].Detail, "passed 800 records") {
		t.Errorf("events %v", m.events)
	}
	m = newReplication(t)
	m.flow(5, 40)
	m.take(4)
	m.at = 0
	m.copies(150)
	m.commit()
	m.take(6)
	m.want("set back", 350, 0, 0, true, "at most: the offsets")
	m.copies(50)
	m.commit()
	m.take(6)
	m.want("and on", 400, 0, 0, true, "at most")
	if len(m.events) != 1 || m.events[0].Type != lineage.OffsetsSet || !strings.Contains(m.events[0].Detail, "from 199 to 149") {
		t.Errorf("events %v", m.events)
	}
}

// The holes of a compacted log are no records, and nobody lost them.
func TestCompactedSource(t *testing.T) {
	m := newReplication(t)
	m.compacted = true
	m.flow(2, 10)
	m.end, m.at, m.copy = 120, 120, 31 // 100 offsets of which 11 are there
	m.commit()
	m.take(6)
	m.want("compacted", 31, 0, 0, true, "at most: the source is compacted")
}

// What waits to be decided is not lost with a restart.
func TestUndecidedSurvives(t *testing.T) {
	m := newReplication(t)
	m.flow(5, 40)
	m.take(20)
	m.end, m.start = 1500, 1000
	m.copies(1000)
	m.commit()
	m.take(1)
	again := New(lineage.Access{}, lineage.Mirror)
	if err := again.Decode(m.b.Encode(), m.round); err != nil {
		t.Fatal(err)
	}
	m.b = again
	m.take(8)
	m.want("restarted", 700, 800, 0, true, "at most: 800")
}

// A position beyond the source's end is no lag of nothing: where copying goes on is not known.
func TestBeyondTheEnd(t *testing.T) {
	m := newReplication(t)
	m.flow(5, 40)
	for i := range 6 {
		m.round = m.round.Add(tick)
		m.b.Observe(Reading{Offsets: map[int32]int64{0: 199}, Ends: []int64{50}, Starts: []int64{0}, StartsAt: m.round, Copies: []int64{200}, Running: true, Round: m.round, Interval: tick})
		m.b.Tell(m.round.Add(-tick), true)
		if want := map[bool]int64{false: 0, true: lineage.Unknown}[i >= settledAfter]; m.b.said.lag != want {
			t.Errorf("round %d: the lag is %d, want %d", i, m.b.said.lag, want)
		}
	}
}

// While copying goes on, an end that was read a little before the offset is no such position.
func TestEndsThatAreReadBefore(t *testing.T) {
	m := newReplication(t)
	m.b.Observe(Reading{Offsets: map[int32]int64{0: 0}, Ends: []int64{1}, Round: m.round, Interval: tick})
	for i := range int64(10) {
		m.round = m.round.Add(tick)
		m.b.Observe(Reading{Offsets: map[int32]int64{0: i + 1}, Ends: []int64{i + 1}, Copies: []int64{i + 2}, Running: true, Round: m.round, Interval: tick})
		m.b.Tell(m.round.Add(-tick), true)
		if m.b.said.lag != 0 {
			t.Fatalf("round %d: the lag is %d", i, m.b.said.lag)
		}
	}
}

// Whatever happens, and however late it is read: what is counted and lost is what was passed, no more is counted than
// the copy grew, and what is told as exact is.
func TestCopyLaw(t *testing.T) {
	for seed := range uint64(1000) {
		r := rand.New(rand.NewPCG(seed, 3))
		m := newReplication(t)
		lost, twice := int64(0), int64(0)
		m.flow(2, 10)
		for range 40 {
			m.end += r.Int64N(3) * r.Int64N(30)
			switch r.IntN(12) {
			case 0:
				m.running = false
				if r.IntN(2) == 0 {
					m.commit()
				} else {
					twice += m.at - 1 - m.committed
				}
				m.at = m.committed + 1
			case 1:
				m.running = true
			case 2:
				m.start = max(m.start, min(m.end, m.start+r.Int64N(60)))
			case 3:
				m.start = max(m.start, min(m.at, m.end))
			}
			if m.running {
				lost += max(m.start-m.at, 0)
				m.copies(r.Int64N(50))
				if r.IntN(3) == 0 {
					m.commit()
				}
			}
			m.take(1 + r.IntN(3))
		}
		m.running = true
		lost += max(m.start-m.at, 0)
		m.copies(1 << 40)
		m.commit()
		m.end++
		m.copies(1)
		m.commit()
		m.take(40)
		n, gone, skipped := m.said[lineage.Records].Value, m.said[lineage.Lost].Value, m.said[lineage.Skipped].Value
		switch {
		case n > m.copy:
			t.Fatalf("seed %d: %d are counted, and the copy has %d", seed, n, m.copy)
		case n+gone+skipped != m.committed+1:
			t.Fatalf("seed %d: %d counted, %d lost, %d skipped, and %d were passed", seed, n, gone, skipped, m.committed+1)
		case gone > lost || twice == 0 && gone != lost || skipped > 0:
			t.Fatalf("seed %d: %d are told as lost, %d skipped; %d were lost, %d copied twice", seed, gone, skipped, lost, twice)
		case !m.estimated && gone == 0 && n < m.copy-twice:
			// of what was copied before a crash not all need have been copied twice
			t.Fatalf("seed %d: %d are exact, and the copy has %d, %d of them twice", seed, n, m.copy, twice)
		}
	}
}
