package connect

import (
	"time"

	"github.com/lineaged/lineaged/internal/rhythm"
	"github.com/lineaged/lineaged/lineage"
)

// This file tells when what connectors move begins and ends.

func newRhythm(s *source) *rhythm.Tracker {
	return rhythm.New(rhythm.Config{
		Tick: s.cfg.Interval,
		Born: func(a lineage.Access) bool {
			c := s.connectorOf(a.Client.Mover)
			return c != nil && c.born
		},
		Visible: func(a lineage.Access) bool {
			c := s.connectorOf(a.Client.Mover)
			return c == nil || c.failed == "" // one that was deleted moves nothing
		},
		Least: func(*lineage.Access) time.Duration { // connectors are looked at in turn
			const each = 2 // requests of a look
			turns := max(detailsEvery, (len(s.known)*each+detailsARound-1)/detailsARound)
			return time.Duration(3*turns) * s.cfg.Interval
		},
	})
}

// connectorOf returns the connector that is a mover or tells of it as a replicator; nil: none is known.
func (s *source) connectorOf(n lineage.Node) *connector {
	if n.Kind == lineage.ConnectorNode {
		return s.known[n.Name]
	}
	for _, c := range s.known {
		if c.replicator.Node == n && c.tells == n.ID() {
			return c
		}
	}
	return nil
}

// tellFlows tells what began and ended to move, once all else of the round was told.
func (t *take) tellFlows() { t.rhythm.Observe([]*lineage.Observation{t.main, t.details}) }
