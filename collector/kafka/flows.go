package kafka

import (
	"time"

	"github.com/lineaged/lineaged/internal/rhythm"
	"github.com/lineaged/lineaged/lineage"
)

// This file tells when flows begin and end.

// newRhythm makes what follows the source's flows.
func newRhythm(s *source) *rhythm.Tracker {
	return rhythm.New(rhythm.Config{Tick: s.cfg.Interval, Application: s.flowName, Born: s.born, Since: s.inSight, Visible: s.shows, Ignore: s.internal, Whose: s.whoseLeft})
}

// born reports whether the topic of an access appeared or was empty under observation, or its group appeared, or
// was empty until somebody joined it.
func (s *source) born(a lineage.Access) bool {
	if tp := s.byName[a.Topic.Name]; tp != nil && (!tp.born.IsZero() || tp.wasEmpty()) {
		return true
	}
	g := s.groups[a.Client.Group]
	return g != nil && (!g.joined.IsZero() || g.awoke)
}

// whoseLeft returns who is taken to have written what nobody accounts for in a topic, as far as is known now: an event
// is told at once, and cannot be taken back.
func (s *source) whoseLeft(of lineage.Topic) lineage.Access {
	c := lineage.Client{Kind: lineage.Remainder}
	if tp := s.topics[of.ID]; tp != nil {
		if m := tp.mover(s.writers); m != (lineage.Node{}) {
			c = lineage.Client{Mover: m}
		}
	}
	return lineage.Access{Topic: of, Op: lineage.Write, Client: c}
}

// wasEmpty reports whether all that was ever appended to the topic was appended under observation.
func (a *account) wasEmpty() bool {
	all := int64(0)
	for i := range a.parts {
		all += max(a.parts[i].end, 0)
	}
	return all == a.appended.n
}

// inSight returns when a topic that is older came into sight; zero: not in this run.
func (s *source) inSight(a lineage.Access) time.Time {
	if tp := s.byName[a.Topic.Name]; tp != nil {
		return tp.since
	}
	return time.Time{}
}

// shows reports whether what an access moves in can be seen. What was deleted is not hidden: that is told.
func (s *source) shows(a lineage.Access) bool {
	return s.byName[a.Topic.Name] != nil && (a.Client.Group == "" || s.groups[a.Client.Group] != nil)
}

// internal reports whether a topic is Kafka's own.
func (s *source) internal(a lineage.Access) bool {
	tp := s.byName[a.Topic.Name]
	return tp != nil && tp.internal
}

// tellFlows tells which flows began and ended, once all else of the round was told.
func (t *take) tellFlows() { t.rhythm.Observe(t.told.Observed()) }
