package acceptance

import (
	"fmt"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/kafkatest"
)

// kill -9, again and again, under load: what lineaged has once answered it answers again, and the total stays right.
func TestKillMinusNine(t *testing.T) {
	t.Parallel()
	const (
		topic  = "topic:west/clicks"
		writer = "unidentified:west/clicks"
		kills  = 20
		rate   = 500
	)
	c := kafkatest.Shared(t, kafkatest.Options{})
	c.CreateTopic(t, "clicks", 4)
	s := watch(t, c, "west", time.Second)
	s.knows(t, topic)
	begin := time.Now()
	// The bound is the time that this takes on a busy machine; the producer is stopped when the last kill is survived.
	producer := c.StartProducerPerf(t, kafkatest.Perf{Topic: "clicks", Records: 600 * rate, PerSecond: rate})
	eventually(t, 60*time.Second, "the flow is there", func() error {
		a, err := s.tryLineage(t, topic, last("10s"))
		if err == nil && len(a.Flows) != 1 {
			err = fmt.Errorf("flows: %q", a.ids())
		}
		return err
	})

	for i := range kills {
		// Two rounds of this life, and a kill at another moment of the tick each time.
		s.waitRound(t, "west", time.Now().Add(time.Second))
		sleepUntil(t, time.Now().Add(time.Duration(i)*53*time.Millisecond%time.Second))
		end := s.lastRound(t, "west")
		before := s.lineage(t, topic, between(begin, end)).flow(t, writer, topic)
		s.p.Kill()
		s.start(t)
		after := s.lineage(t, topic, between(begin, end)).flow(t, writer, topic)
		wantSame(t, i+1, before, after)
		if t.Failed() {
			return
		}
	}
	if !producer.Running() {
		t.Fatal("the producer ended before the last kill")
	}
	producer.Stop(t)
	total := c.EndOffset(t, "clicks")
	eventually(t, 30*time.Second, "the total is right", func() error {
		f := s.lineage(t, topic, between(begin, time.Now())).flow(t, writer, topic)
		if f.Records == nil || *f.Records != total {
			return fmt.Errorf("records %v, the topic ends at %d", valueOf(f.Records), total)
		}
		return nil
	})
	wantNoNegative(t, s.lineage(t, topic, between(begin, time.Now())).flow(t, writer, topic))
}

// lastRound is the time of the last round that is visible.
func (s *server) lastRound(t testing.TB, cluster string) time.Time {
	t.Helper()
	var d struct {
		Clusters []struct {
			Name      string
			LastRound *time.Time
		}
	}
	s.mustAsk(t, `{clusters{name lastRound}}`, nil, &d)
	for _, c := range d.Clusters {
		if c.Name == cluster && c.LastRound != nil {
			return *c.LastRound
		}
	}
	t.Fatalf("cluster %s has no last round: %+v", cluster, d.Clusters)
	return time.Time{}
}

// wantSame checks that a count and a series did not change.
func wantSame(t testing.TB, kill int, before, after flow) {
	t.Helper()
	if b, a := before.recorded(t), after.recorded(t); a != b {
		t.Errorf("kill %d: %d records were answered, now %d", kill, b, a)
	}
	if len(before.Series.Points) != len(after.Series.Points) {
		t.Errorf("kill %d: %d points were answered, now %d", kill, len(before.Series.Points), len(after.Series.Points))
		return
	}
	observed := 0
	for i, b := range before.Series.Points {
		a := after.Series.Points[i]
		if b.Value != nil {
			observed++
		}
		if !a.At.Equal(b.At) || valueOf(a.Value) != valueOf(b.Value) {
			t.Errorf("kill %d: at %s %v was answered, now at %s %v", kill, b.At, valueOf(b.Value), a.At, valueOf(a.Value))
		}
	}
	if observed == 0 {
		t.Errorf("kill %d: no point was observed, so nothing was tested", kill)
	}
}
