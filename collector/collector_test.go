package collector_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var discard = slog.New(slog.DiscardHandler)

// script is a source whose n-th observation takes as long as it says.
type script struct {
	took     []time.Duration
	observed []time.Time
	missed   []time.Time
	restored int
	deadline []time.Duration
	panics   map[int]bool // observations that panic, counted from 0
	spoilt   bool         // what the sink holds makes Restore panic
	anew     int
	tell     *collector.Teller
}

func (s *script) Restore(ctx context.Context, sink collector.Sink) error {
	s.restored++
	s.teller().Restore()
	if p, err := sink.Positions(ctx, lineage.Source{}); s.spoilt && (err != nil || p != nil) {
		panic("index out of range")
	}
	if s.spoilt {
		s.anew++
	}
	return nil
}

func (s *script) Observe(ctx context.Context, round time.Time) []lineage.Observation {
	d, _ := ctx.Deadline()
	s.deadline = append(s.deadline, time.Until(d))
	if n := len(s.observed); n < len(s.took) {
		time.Sleep(s.took[n])
	}
	s.observed = append(s.observed, round)
	if s.panics[len(s.observed)-1] {
		panic("index out of range")
	}
	t := s.teller().Take(round)
	t.Observe("s", 10*time.Second).At = time.Time{}
	return t.Finish(ctx)
}

func (s *script) Missed(round time.Time, reason string) []lineage.Observation {
	s.missed = append(s.missed, round)
	t := s.teller().Take(round)
	collector.MissAll(t.Observe("s", 10*time.Second), reason)
	return t.Finish(context.Background())
}

func (s *script) Stored() { s.teller().Stored() }

func (s *script) teller() *collector.Teller {
	if s.tell == nil {
		s.tell = collector.NewTeller("west", discard)
	}
	return s.tell
}

type sink struct {
	errs   []error // of the first appends
	rounds []time.Time
	obs    []lineage.Observation
	held   map[string][]byte
}

func (s *sink) Append(_ context.Context, obs ...lineage.Observation) error {
	if len(s.errs) > 0 {
		err := s.errs[0]
		if s.errs = s.errs[1:]; err != nil {
			return err
		}
	}
	for _, o := range obs {
		s.rounds = append(s.rounds, o.Round)
		s.obs = append(s.obs, o)
	}
	return nil
}

func (s *sink) Positions(context.Context, lineage.Source) (map[string][]byte, error) {
	return s.held, nil
}

// run runs the source for a while in fake time.
func run(t *testing.T, src collector.Source, dst collector.Sink, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	if err := (collector.Runner{Interval: 10 * time.Second, Log: discard}).Run(ctx, src, dst); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Run returned %v", err)
	}
}

func TestRoundsLieOnTheGrid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(3 * time.Second) // off the grid
		src, dst := &script{}, &sink{}
		run(t, src, dst, 35*time.Second)
		if len(dst.rounds) != 3 || src.restored != 1 {
			t.Fatalf("rounds %v, restored %d", dst.rounds, src.restored)
		}
		for _, r := range dst.rounds {
			if r.UnixMilli()%10_000 != 0 {
				t.Errorf("round %v is off the grid", r)
			}
		}
		if src.deadline[0] != 9*time.Second {
			t.Errorf("a round has %v, want nine tenths of the interval", src.deadline[0])
		}
	})
}

func TestSlowRoundIsSaidAndNeverOverlaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src, dst := &script{took: []time.Duration{25 * time.Second}}, &sink{}
		run(t, src, dst, 55*time.Second)
		if len(src.missed) != 2 {
			t.Errorf("missed %v, want the two rounds that went by", src.missed)
		}
		if !slices.IsSortedFunc(dst.rounds, time.Time.Compare) || len(slices.Compact(slices.Clone(dst.rounds))) != len(dst.rounds) {
			t.Errorf("rounds %v are not in order, each once", dst.rounds)
		}
		if len(dst.rounds) != 5 {
			t.Errorf("%d rounds observed or said as missed, want 5", len(dst.rounds))
		}
	})
}

func TestFailedAppendStartsFromTheStoredPositions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src, dst := &script{}, &sink{errs: []error{nil, errors.New("disk full"), errors.New("disk full")}}
		run(t, src, dst, 55*time.Second)
		if src.restored != 3 {
			t.Errorf("restored %d times, want at the start and after each failure", src.restored)
		}
		if len(dst.rounds) != 3 {
			t.Errorf("stored %v", dst.rounds)
		}
	})
}

func TestPanicIsAGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src, dst := &script{panics: map[int]bool{1: true, 2: true}}, &sink{}
		run(t, src, dst, 55*time.Second)
		if len(dst.obs) != 5 || src.restored != 3 {
			t.Fatalf("%d rounds stored, restored %d times: want 5 rounds, and a restore at the start and after each panic", len(dst.obs), src.restored)
		}
		var missing []int
		var events []lineage.EventType
		for i, o := range dst.obs {
			for _, m := range o.Missing {
				missing = append(missing, i)
				if !m.All || !strings.Contains(m.Reason, "index out of range") {
					t.Errorf("missing %+v does not say why", m)
				}
			}
			for _, e := range o.Events {
				events = append(events, e.Type)
			}
		}
		if !slices.Equal(missing, []int{1, 2}) || !slices.Equal(events, []lineage.EventType{lineage.SourceLost, lineage.SourceRecovered}) {
			t.Errorf("missing in rounds %v, events %v: want rounds 1 and 2, lost once and back once", missing, events)
		}
	})
}

func TestPositionsThatPanicAreLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src, dst := &script{spoilt: true}, &sink{held: map[string][]byte{"round": {1}}}
		run(t, src, dst, 35*time.Second)
		if len(dst.rounds) != 3 || src.anew != 1 {
			t.Errorf("%d rounds, begun anew %d times: want 3 rounds and one fresh beginning", len(dst.rounds), src.anew)
		}
	})
}
