package main

import (
	"context"
	"testing"
	"time"

	"github.com/lineaged/lineaged/timeseries"
)

// told is a store that says what it costs.
type told struct {
	timeseries.Store
	cost  timeseries.Cost
	stats timeseries.Stats
}

func (s told) Cost(context.Context) (timeseries.Cost, error) { return s.cost, nil }
func (s told) Stats() timeseries.Stats                       { return s.stats }

// TestStorage hands on what is known, and nothing for what is not.
func TestStorage(t *testing.T) {
	var young told
	young.stats.FreeBytes = -1
	got, err := storage(young)(t.Context())
	if err != nil || got.Bytes != nil || got.FreeBytes != nil || got.Series != nil || got.Measured != nil || got.Year != nil || got.Tiers[0].BytesPerSeriesDay != nil {
		t.Errorf("of a store that knows nothing: %+v, %v", got, err)
	}
	old := told{stats: timeseries.Stats{DiskBytes: 9}, cost: timeseries.Cost{Measured: time.Hour, Series: 200, Year: timeseries.YearCost{Bytes: 3000, OK: true, AtMost: true}}}
	old.cost.Tiers[0] = timeseries.TierCost{Step: time.Second, Keep: time.Hour, Bytes: 5, PerDay: 400}
	got, err = storage(old)(t.Context())
	if err != nil || *got.Bytes != 9 || *got.FreeBytes != 0 || *got.Series != 200 || *got.Measured != time.Hour ||
		got.Year.Bytes != 3000 || got.Year.BytesPer10000Series != 150_000 || !got.Year.AtMost || *got.Tiers[0].BytesPerSeriesDay != 2 || got.Tiers[1].BytesPerSeriesDay != nil {
		t.Errorf("%+v, %v", got, err)
	}
}
