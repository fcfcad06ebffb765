package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/config"
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

	mu      sync.Mutex     // guards retired
	retired []lineage.Fact // to be told with the next round
}

// Append is the store's.
func (s *sink) Append(ctx context.Context, obs ...lineage.Observation) error {
	s.mu.Lock()
	retired := s.retired
	s.retired = nil
	s.mu.Unlock()
	if len(retired) > 0 && len(obs) > 0 {
		obs = slices.Clone(obs)
		obs[len(obs)-1].Facts = append(slices.Clone(obs[len(obs)-1].Facts), retired...)
	}
	err := s.Store.Append(ctx, obs...)
	if err != nil && len(retired) > 0 {
		s.mu.Lock()
		s.retired = retired
		s.mu.Unlock()
	}
	switch full := errors.Is(err, timeseries.ErrNoSpace); {
	case full && s.full.CompareAndSwap(false, true):
		s.log.Error("the disk is nearly full: nothing more is stored until there is space; what is stored can be asked", "free_bytes", s.Stats().FreeBytes)
	case err == nil && s.full.CompareAndSwap(true, false):
		s.log.Info("there is space again: collecting goes on")
	}
	return err
}

// retire notes, to be told with the next round, which sources the configuration does not name any more: nobody waits for
// them from then on.
func (s *sink) retire(ctx context.Context, cfg config.Config) error {
	facts, err := s.Facts(ctx, s.clock.Now(), "", lineage.SourceFacts, false)
	if err != nil {
		return fmt.Errorf("read which sources are expected: %w", err)
	}
	watched := map[string]bool{}
	for _, c := range cfg.Clusters {
		watched[c.Source()] = true
	}
	for _, c := range cfg.Connect {
		watched[c.Source()] = true
	}
	for _, f := range facts {
		if f.Source.State == lineage.SourceExpected && !watched[f.Key.Source] {
			s.retired = append(s.retired, lineage.Fact{Key: f.Key, Source: &lineage.SourceFact{State: lineage.SourceRetired, Reason: "not configured any more"}})
		}
	}
	return nil
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
