package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/collector/headers"
	"github.com/lineaged/lineaged/collector/logs"
	"github.com/lineaged/lineaged/collector/openlineage"
	"github.com/lineaged/lineaged/collector/telemetry"
	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
	"github.com/lineaged/lineaged/timeseries"
)

// sink is the store as collectors see it. It remembers whether it stores: the collectors try again with every round,
// and it says once that it does not and once that it does again.
type sink struct {
	timeseries.Store
	clock *collector.Clock // of the rounds; nil: the machine's
	log   *slog.Logger
	goOn  goOn        // nil: what is observed is stored as it is
	ails  atomic.Bool // the newest round was not stored

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
	if s.goOn != nil {
		obs = s.goOn(obs)
	}
	err := s.Store.Append(ctx, obs...)
	if err != nil && len(retired) > 0 {
		s.mu.Lock()
		s.retired = retired
		s.mu.Unlock()
	}
	switch {
	case err != nil && storing(ctx, err) && s.ails.CompareAndSwap(false, true):
		s.log.Error("nothing more is stored until this is over; what is stored can be asked", "error", err, "free_bytes", s.Stats().FreeBytes)
	case err == nil && s.ails.CompareAndSwap(true, false):
		s.log.Info("rounds are stored again")
	}
	return err
}

// storing reports whether an error is the store's trouble, and not that of one observation or of a program that ends.
func storing(ctx context.Context, err error) bool {
	return ctx.Err() == nil && !errors.Is(err, timeseries.ErrTooOld) && !errors.Is(err, timeseries.ErrClosed)
}

// retire notes, to be told with the next round, which sources the configuration does not name any more: nobody waits
// for them from then on.
func (s *sink) retire(ctx context.Context, cfg config.Config) error {
	now := s.clock.Now()
	held, err := s.Window(ctx, store.Ask{Window: lineage.Window{Start: now, End: now}, Facts: []lineage.FactKind{lineage.SourceFacts}})
	if err != nil {
		return fmt.Errorf("read which sources are expected: %w", err)
	}
	watched, off, audits := map[string]bool{}, map[lineage.Source]bool{}, map[lineage.Source]bool{}
	for _, c := range cfg.Clusters {
		watched[c.Source()] = true
		for part, on := range map[string]bool{
			telemetry.Part: cfg.Pushes(c), logs.SourceFiles: len(c.Logs.Files) > 0, logs.SourceTopic: c.Logs.Topic != "", logs.SourcePush: c.Logs.Push,
			headers.Part: len(c.Headers.Topics) > 0,
		} {
			off[lineage.Source{Cluster: c.Source(), Name: part}] = !on
		}
		for _, a := range c.Audit {
			audits[lineage.Source{Cluster: c.Source(), Name: logs.AuditSource(a.Topic)}] = true
		}
	}
	for _, c := range cfg.Connect {
		watched[c.Source()] = true
	}
	for _, r := range cfg.SchemaRegistry {
		watched[r.Server().Source()] = true
	}
	for _, f := range cfg.Flink {
		watched[f.Source()] = true
	}
	watched[openlineage.Name] = true // which is always listened for
	for _, f := range held.Facts {
		source := lineage.Source{Cluster: f.Key.Source, Name: f.Key.Name}
		retired := !watched[f.Key.Source] || off[source] || strings.HasPrefix(source.Name, logs.AuditPrefix) && !audits[source]
		if !f.Gone && f.Source.State == lineage.SourceExpected && retired {
			s.retired = append(s.retired, lineage.Fact{Key: f.Key, Source: &lineage.SourceFact{State: lineage.SourceRetired, Reason: "not configured any more"}})
		}
	}
	return nil
}

// trouble tells /readyz what the history does not show.
func (s *sink) trouble() (all []string) {
	if h, ok := s.Store.(interface{ Health() []string }); ok {
		all = append(all, h.Health()...)
	}
	if clock := s.clock.Trouble(); clock != "" {
		all = append(all, clock)
	}
	return all
}
