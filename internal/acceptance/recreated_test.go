package acceptance

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/kafkatest"
)

// A topic is deleted and created again under its name while it is watched: an event says so, and neither a negative
// rate nor the old topic's records appear in the new one's.
func TestRecreatedTopic(t *testing.T) {
	t.Parallel()
	const (
		topic  = "topic:west/drafts"
		writer = "unidentified:west/drafts"
	)
	c := kafkatest.Shared(t, kafkatest.Options{})
	c.CreateTopic(t, "drafts", 2)
	s := watch(t, c, "west", time.Second)
	s.knows(t, topic)
	begin := time.Now()
	first := c.ProducerPerf(t, kafkatest.Perf{Topic: "drafts", Records: 5000})
	eventually(t, 20*time.Second, "the first topic's records", func() error {
		a, err := s.tryLineage(t, topic, between(begin, time.Now()))
		if err == nil && (len(a.Flows) != 1 || a.Flows[0].Records == nil || *a.Flows[0].Records != first) {
			err = fmt.Errorf("flows: %+v", a.Flows)
		}
		return err
	})

	// Two quiet ticks, so that the new topic's window begins in none that saw the old one's records.
	s.waitRound(t, "west", time.Now().Add(time.Second))
	c.DeleteTopic(t, "drafts")
	eventually(t, 30*time.Second, "the name is free again", func() error {
		_, err := c.Admin(t).CreateTopic(t.Context(), 2, 1, nil, "drafts")
		return err
	})
	recreated := time.Now()
	second := c.ProducerPerf(t, kafkatest.Perf{Topic: "drafts", Records: 100})
	eventually(t, 30*time.Second, "both topics' records", func() error {
		f := s.lineage(t, topic, between(begin, time.Now())).flow(t, writer, topic)
		if f.Records == nil || *f.Records != first+second {
			return fmt.Errorf("records %v, want %d + %d", valueOf(f.Records), first, second)
		}
		return nil
	})
	whole := s.lineage(t, topic, between(begin, time.Now())).flow(t, writer, topic)
	wantNoNegative(t, whole)

	after := s.lineage(t, topic, between(recreated, time.Now())).flow(t, writer, topic)
	if n := after.recorded(t); n != second {
		t.Errorf("%d records since the topic was created again, want %d", n, second)
	}
	for _, p := range after.Series.Points {
		// The few records came within a part of a second, so that the rate is somewhat more than their number.
		if p.Value != nil && *p.Value > 5*float64(second) {
			t.Errorf("a false jump: %g records a second at %s, but only %d were written", *p.Value, p.At, second)
		}
	}
	types := s.eventTypes(t, topic, between(begin, time.Now()))
	recreatedAsOne := slices.Contains(types, "TOPIC_RECREATED")
	asTwo := slices.Contains(types, "TOPIC_DELETED") && slices.Contains(types, "TOPIC_CREATED")
	if !recreatedAsOne && !asTwo {
		t.Errorf("events %q: nothing says that the topic was created again", types)
	}
}

// eventTypes are the types of a node's events, in the order of the answer.
func (s *server) eventTypes(t testing.TB, node string, window map[string]any) []string {
	t.Helper()
	var d struct {
		Events *struct {
			Edges []struct{ Node struct{ Type string } }
		}
	}
	s.mustAsk(t, `query($w: Window!, $n: ID!){events(window:$w, node:$n){edges{node{type}}}}`, map[string]any{"w": window, "n": node}, &d)
	if d.Events == nil {
		t.Fatal("events is null")
	}
	var types []string
	for _, e := range d.Events.Edges {
		types = append(types, e.Node.Type)
	}
	return types
}
