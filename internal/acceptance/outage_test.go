package acceptance

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/kafkatest"
)

// A producer that stops is inactive within two ticks, and still drawn in the window that saw it.
func TestStoppedProducerIsInactive(t *testing.T) {
	t.Parallel()
	const (
		topic    = "topic:west/ticks"
		writer   = "unidentified:west/ticks"
		interval = 2 * time.Second
	)
	c := kafkatest.Shared(t, kafkatest.Options{})
	c.CreateTopic(t, "ticks", 1)
	s := watch(t, c, "west", interval)
	s.knows(t, topic)
	begin := time.Now()
	producer := c.StartProducerPerf(t, kafkatest.Perf{Topic: "ticks", Records: 100_000, PerSecond: 100})
	eventually(t, 60*time.Second, "the flow is active", func() error {
		a, err := s.tryLineage(t, topic, last("4s"))
		if err == nil && (len(a.Flows) != 1 || a.Flows[0].Active == nil || !*a.Flows[0].Active) {
			err = fmt.Errorf("flows: %+v", a.Flows)
		}
		return err
	})
	producer.Stop(t)
	stopped := time.Now()
	total := c.EndOffset(t, "ticks")

	// The tick that holds the end still saw records; the two after it did not, and the second is visible when it is
	// over.
	sleepUntil(t, stopped.Add(3*interval))
	s.waitRound(t, "west", stopped.Add(2*interval))
	f := s.lineage(t, topic, between(stopped.Add(interval), stopped.Add(3*interval))).flow(t, writer, topic)
	if f.Active == nil || *f.Active {
		t.Errorf("two ticks after its producer stopped the flow is active: %v", valueOf(f.Active))
	}
	if n := f.recorded(t); n != 0 {
		t.Errorf("%d records after the producer stopped", n)
	}
	seen := s.lineage(t, topic, between(begin, time.Now())).flow(t, writer, topic)
	if seen.Active == nil || !*seen.Active || seen.recorded(t) != total {
		t.Errorf("in the window that saw it: active %v, records %v, want true and %d", valueOf(seen.Active), valueOf(seen.Records), total)
	}
}

// One broker of three is gone for 20 s, then all of them: what was not seen is a gap with its reason, points are null
// and not zero, and in the end nothing is missing from the total.
func TestBrokersGoAway(t *testing.T) {
	t.Parallel()
	const (
		topic  = "topic:trio/parcels"
		writer = "unidentified:trio/parcels"
		reader = "application:trio/depot"
		away   = 20 * time.Second
		rate   = 100
	)
	c := kafkatest.Start(t, kafkatest.Options{Nodes: 3})
	c.CreateTopic(t, "parcels", 6)
	s := watch(t, c, "trio", time.Second)
	s.knows(t, topic)
	begin := time.Now()
	consumer := c.ConsoleConsumer(t, "depot", "consumer", "parcels", "auto.commit.interval.ms=1000")
	c.WaitMembers(t, "depot")
	s.waitRound(t, "trio", time.Now())
	producer := c.StartProducerPerf(t, kafkatest.Perf{
		Topic: "parcels", Records: 100 * rate, PerSecond: rate,
		// What is buffered must outlive the outage: it is the total that is compared.
		Props: []string{"delivery.timeout.ms=180000", "max.block.ms=180000"},
	})
	eventually(t, 60*time.Second, "both flows are there", func() error {
		a, err := s.tryLineage(t, topic, last("1m"))
		if err == nil && len(a.Flows) < 2 {
			err = fmt.Errorf("only %q", a.ids())
		}
		return err
	})
	sleepUntil(t, time.Now().Add(5*time.Second))

	oneGone := time.Now()
	c.StopNode(t, 2, kafkatest.Kill)
	sleepUntil(t, oneGone.Add(away))
	oneBack := time.Now()
	if a := s.lineage(t, topic, last("5s")); len(a.Flows) < 2 {
		t.Errorf("with one broker of three gone the answer shrinks to %q", a.ids())
	}
	c.StartNode(t, 2)
	sleepUntil(t, time.Now().Add(5*time.Second))

	allGone := time.Now()
	c.StopAll(t, kafkatest.Kill)
	sleepUntil(t, allGone.Add(away))
	allBack := time.Now()
	if body, _, err := s.fetch(t, "/readyz"); err != nil || !strings.Contains(body, "trio") {
		t.Errorf("/readyz does not say that no broker answers: %s %v", body, err)
	}
	c.StartAll(t)

	sent := producer.Wait(t)
	c.WaitGroup(t, "depot", "parcels", sent)
	if got := consumer.Stop(t); got < sent {
		t.Errorf("the consumer reports %d records of %d", got, sent)
	}
	eventually(t, 60*time.Second, "the totals are right", func() error {
		a := s.lineage(t, topic, between(begin, time.Now()))
		for _, f := range []flow{a.flow(t, writer, topic), a.flow(t, topic, reader)} {
			if f.Records == nil || *f.Records != sent {
				return fmt.Errorf("%s: records %v, want %d", f.ID, valueOf(f.Records), sent)
			}
		}
		return nil
	})

	a := s.lineage(t, topic, between(begin, time.Now()))
	for _, f := range a.Flows {
		wantNoNegative(t, f)
	}
	cov := s.coverage(t, between(begin, time.Now()))
	wantHonestGaps(t, cov)
	wantGap(t, cov, "one broker gone", "", "broker 2", oneGone, oneBack)
	wantGap(t, cov, "all brokers gone", "end-offsets", "", allGone, allBack)
	wantNullPoints(t, a.flow(t, writer, topic), allGone.Add(2*time.Second), allBack.Add(-time.Second))
	if a.Coverage.Complete || a.Coverage.ObservedFraction >= 1 {
		t.Errorf("coverage: complete %v, fraction %g, though nothing was seen for %s", a.Coverage.Complete, a.Coverage.ObservedFraction, away)
	}
}

// wantHonestGaps checks the reasons of gaps in a window in which lineaged ran: that it did not is none of them.
func wantHonestGaps(t testing.TB, c coverage) {
	t.Helper()
	for _, g := range c.Gaps {
		if strings.Contains(g.Reason, "not running") || g.Reason == "" {
			t.Errorf("wrong reason of a gap: %+v", g)
		}
	}
}

// wantGap checks that coverage has a gap that touches [start, end), of the given source and with the word in its
// reason; an empty one matches any.
func wantGap(t testing.TB, c coverage, what, source, word string, start, end time.Time) {
	t.Helper()
	for _, g := range c.Gaps {
		if g.Start.Before(end) && g.End.After(start) && g.Reason != "" &&
			strings.Contains(g.Source, source) && strings.Contains(g.Reason, word) {
			t.Logf("%s: %s to %s, %s: %s", what, g.Start.Format(time.TimeOnly), g.End.Format(time.TimeOnly), g.Source, g.Reason)
			return
		}
	}
	t.Errorf("%s from %s to %s: no gap of %q with %q among %d: %+v",
		what, start.Format(time.TimeOnly), end.Format(time.TimeOnly), source, word, c.GapCount, c.Gaps)
}

// wantNullPoints checks that a series has points in the time span and that none has a value.
func wantNullPoints(t testing.TB, f flow, start, end time.Time) {
	t.Helper()
	n := 0
	for _, p := range f.Series.Points {
		if p.At.Before(start) || !p.At.Before(end) {
			continue
		}
		n++
		if p.Value != nil {
			t.Errorf("%s: %g records a second at %s, when nothing was observed", f.ID, *p.Value, p.At.Format(time.TimeOnly))
		}
	}
	if n == 0 {
		t.Errorf("%s: no points between %s and %s", f.ID, start.Format(time.TimeOnly), end.Format(time.TimeOnly))
	}
}
