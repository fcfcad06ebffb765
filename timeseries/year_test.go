package timeseries_test

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/lineaged/lineaged/attribution"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
	"github.com/lineaged/lineaged/store/storetest"
	"github.com/lineaged/lineaged/timeseries"
)

// TestYear lives for many days, some weeks in the short form and 480 days in the long one: a new client each day, a
// restart each month, maintenance each hour or so. Once retention drops as much as comes, the store does not grow: not
// on disk, not in files, not in its dictionary; and all that is held is whole.
// Settled, it derives who wrote what no source counts, each day a client tells late of twelve hours, and each week of a
// link.
func TestYear(t *testing.T) {
	t.Run("observed", func(t *testing.T) { year(t, false) })
	t.Run("settled", func(t *testing.T) { year(t, true) })
}

func year(t *testing.T, settled bool) {
	t.Parallel()
	days, keep := 38, timeseries.Retention{Raw: 2 * 24 * time.Hour, Minute: 5 * 24 * time.Hour, Hour: 10 * 24 * time.Hour}
	if long() {
		days, keep = 480, timeseries.Retention{Raw: 2 * 24 * time.Hour, Minute: 30 * 24 * time.Hour, Hour: 200 * 24 * time.Hour}
	}
	const tick = 10 * time.Minute
	o := killOptions
	o.Tick, o.Retention = tick, keep
	if settled {
		o.Settle = attribution.Settle
	}
	dir := t.TempDir()
	s, err := timeseries.Open(dir, o)
	check(t, err)
	ctx := context.Background()
	total := int64(0)
	round := func(n, day int) lineage.Observation {
		x := lineage.Observation{Source: west, Round: epoch.Add(time.Duration(n) * tick), Interval: tick}
		total += 600
		x.Samples = append(x.Samples, lineage.Sample{Subject: writer, Metric: lineage.Records, Evidence: lineage.ProducerState, Value: total})
		a := writer
		a.Client.ClientID = fmt.Sprintf("of-day-%d", day)
		x.Samples = append(x.Samples, lineage.Sample{Subject: a, Metric: lineage.Records, Evidence: lineage.ProducerState, Value: int64(n)})
		x.Positions = []lineage.Position{{Key: "n", Value: fmt.Append(nil, n)}}
		if settled {
			x.Samples = append(x.Samples, toBeSettled(n, day, total/6, tick)...)
		}
		return x
	}
	type size struct {
		files, subjects int
		bytes           int64
	}
	measure := func() size {
		paths, _, all := filesOf(t, dir)
		return size{len(paths), s.Stats().Subjects, all}
	}
	const perDay = int(24 * time.Hour / tick)
	var steady size
	n := 0
	for day := 1; day <= days; day++ {
		var all []lineage.Observation
		for range perDay {
			n++
			if all = append(all, round(n, day)); n%24 == 0 {
				check(t, s.Append(ctx, all...))
				all = nil
				check(t, s.Maintain(ctx, epoch.Add(time.Duration(n)*tick)))
			}
		}
		if day%30 == 0 {
			check(t, s.Close())
			s, err = timeseries.Open(dir, o)
			check(t, err)
		}
		// A block of hours holds ten days, so what is held swings by as much.
		if from := int(keep.Hour.Hours()/24) + 15; day >= from && day < from+10 {
			m := measure()
			steady = size{max(steady.files, m.files), max(steady.subjects, m.subjects), max(steady.bytes, m.bytes)}
		}
	}
	end := measure()
	if steady.files == 0 || end.files > steady.files || end.subjects > steady.subjects || end.bytes > steady.bytes*11/10 {
		t.Errorf("at the end %+v, when retention began to drop %+v", end, steady)
	}
	if h := s.Health(); len(h) != 0 {
		t.Errorf("health %q", h)
	}
	now := epoch.Add(time.Duration(n) * tick)
	for _, back := range []time.Duration{24 * time.Hour, keep.Minute - 24*time.Hour, keep.Hour - 24*time.Hour} {
		w := lineage.Window{Start: now.Add(-back).Truncate(time.Hour), End: now}
		got := storetest.Ask(t, s, w)
		if c := got.Coverage(); !c.Complete {
			t.Errorf("the last %s have gaps: %+v", back, c.Gaps[:min(3, len(c.Gaps))])
		}
		want := float64(w.End.Sub(w.Start)/tick) * 600
		if a := got.Amount(storetest.Key{Access: writer, Metric: lineage.Records, Evidence: lineage.ProducerState}); a.Total != want {
			t.Errorf("in the last %s %v records, want %v", back, a.Total, want)
		}
		if sum, kinds := settledOf(got.Window); settled && (math.Abs(sum-want/6) > 1e-6*want || len(kinds) < 2) {
			t.Errorf("in the last %s %v are settled, by %v, want %v", back, sum, kinds, want/6)
		}
	}
	check(t, s.Close())
	t.Logf("%d days: %+v", days, end)
}

// toBeSettled is what a round tells of the writer's topic that no source counts.
func toBeSettled(n, day int, left int64, tick time.Duration) []lineage.Sample {
	out := []lineage.Sample{{Subject: lineage.Access{Topic: writer.Topic}, Metric: lineage.Left, Value: left}}
	told := func(c lineage.Client, m lineage.Metric, k lineage.EvidenceKind, value int64) *lineage.Sample {
		out = append(out, lineage.Sample{Subject: lineage.Access{Topic: writer.Topic, Op: lineage.Write, Client: c}, Metric: m, Evidence: k, Value: value})
		return &out[len(out)-1]
	}
	if n%1008 == 1 { // each week
		runs := told(lineage.Client{Mover: lineage.Node{Scope: "connect", Kind: lineage.ConnectorNode, Name: "c"}}, lineage.Runs, lineage.NoEvidence, int64(n/1008+1)%2)
		runs.Subject.Topic.ID = lineage.TopicID{}
		told(lineage.Client{ClientID: fmt.Sprintf("of-day-%d", day), TransactionalID: fmt.Sprint("t", n/1008)}, lineage.Linked, lineage.AuditLog, 1)
	}
	if n%144 == 100 { // each day
		told(lineage.Client{ClientID: "late"}, lineage.Claimed, lineage.Telemetry, int64(n)).Since = epoch.Add(time.Duration(max(n-72, 1)) * tick)
	}
	return out
}

// settledOf is what was derived of the writer's topic in all, and by which evidence.
func settledOf(w *store.Window) (sum float64, kinds map[lineage.EvidenceKind]bool) {
	kinds = map[lineage.EvidenceKind]bool{}
	for i, a := range w.Series.Amount {
		k := w.Series.Evidence[i]
		who := w.Rows.Access[w.Series.Row[i]]
		if who.Topic == writer.Topic && who.Op == lineage.Write && a.Total > 0 && (k == lineage.Elimination || k == lineage.EndOffsets || k == lineage.Telemetry) {
			sum, kinds[k] = sum+a.Total, true
		}
	}
	return sum, kinds
}
