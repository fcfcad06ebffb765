package main

import (
	"context"
	"time"

	"github.com/lineaged/lineaged/api"
	"github.com/lineaged/lineaged/timeseries"
)

// storage tells the API what the store holds. What is not known is nil, never zero.
func storage(store timeseries.Store) func(context.Context) (*api.Storage, error) {
	return func(ctx context.Context) (*api.Storage, error) {
		c, err := store.Cost(ctx)
		if err != nil {
			return nil, err
		}
		s := store.Stats()
		out := &api.Storage{Bytes: above(s.DiskBytes, 0), FreeBytes: above(s.FreeBytes, -1), Series: above(c.Series, 0), Silent: c.Silent, Measured: above(c.Measured, time.Duration(0))}
		for _, t := range c.Tiers {
			x := api.StorageTier{Step: t.Step, Retention: t.Keep, Bytes: t.Bytes}
			if c.Series > 0 && t.PerDay > 0 {
				x.BytesPerSeriesDay = new(t.PerDay / c.Series)
			}
			out.Tiers = append(out.Tiers, x)
		}
		if c.Year.OK && c.Series > 0 {
			out.Year = &api.StorageYear{Bytes: c.Year.Bytes, BytesPer10000Series: int64(float64(c.Year.Bytes) * 10_000 / c.Series), AtMost: c.Year.AtMost}
		}
		return out, nil
	}
}

// above returns x where it is greater than what stands for unknown.
func above[T int64 | float64 | time.Duration | string](x, unknown T) *T {
	if x > unknown {
		return &x
	}
	return nil
}
