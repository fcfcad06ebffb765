package main

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/timeseries"
)

// sink is the store as collectors see it. It remembers whether space is short: the collectors try again with every round, and it says once that it began
// and once that it is over.
type sink struct {
	timeseries.Store
	clock *collector.Clock // of the rounds; nil: the machine's
	log   *slog.Logger
	full  atomic.Bool
}

// Append is the store's.
func (s *sink) Append(ctx context.Context, obs ...lineage.Observation) error {
	err := s.Store.Append(ctx, obs...)
	switch full := errors.Is(err, timeseries.ErrNoSpace); {
	case full && s.full.CompareAndSwap(false, true):
		s.log.Error("the disk is nearly full: nothing more is stored until there is space; what is stored can be asked", "free_bytes", s.Stats().FreeBytes)
	case err == nil && s.full.CompareAndSwap(true, false):
		s.log.Info("there is space again: collecting goes on")
	}
	return err
}

// trouble tells /readyz what the history does not show.
func (s *sink) trouble() (all []string) {
	if s.full.Load() {
		all = append(all, "the disk is nearly full: nothing more is stored until there is space")
	}
	if clock := s.clock.Trouble(); clock != "" {
		all = append(all, clock)
	}
	return all
}
