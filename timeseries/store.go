// Package timeseries is the time-indexed store of observations.
//
// It takes lineage.Observations, makes them durable, and answers what moved, how much, since when, and what was not
// observed, for any half-open window within retention. It hides how that is laid out: an append log, blocks of time,
// slabs, bitmaps, a dictionary, tiers. It refuses to know who a client is (identity), to draw conclusions (graph), or
// to look at a clock: the caller says what time it is.
//
// There are two implementations of Store, in memory and in a folder behind an append log, and one battery of tests that
// both pass.
package timeseries

import (
	"context"
	"errors"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// The errors of the contract.
var (
	ErrNoSpace = store.ErrNoSpace
	ErrTooOld  = store.ErrTooOld
	ErrClosed  = store.ErrClosed
	// ErrGone is when the data folder is not there any more. Nothing was written; only a restart with the folder in its
	// place cures it.
	ErrGone = errors.New("timeseries: the data folder is gone")
)

// Store is the contract, and what its owner does with it besides.
type Store interface {
	store.Store

	// Maintain seals blocks that are old enough, rolls them up into the coarser tiers, drops what is beyond retention,
	// and removes log segments and dictionary entries that are no longer needed. Call it every minute or so; it returns
	// soon when there is nothing to do.
	Maintain(ctx context.Context, now time.Time) error
	// Newest returns the newest round of a source that is held; the zero time when there is none.
	Newest(source lineage.Source) time.Time
	// Stats returns sizes for the program's own metrics.
	Stats() Stats
	// Cost returns what is held, by what for, and what a year of the same load would come to. It reads some blocks.
	Cost(ctx context.Context) (Cost, error)
	// Close releases everything. It may be called twice; other methods return ErrClosed, or nothing, after it.
	Close() error
}

// Retention says how long each tier is kept. Raw holds every tick, Minute and Hour one sample a step. Each must be at
// least its predecessor.
type Retention struct {
	Raw, Minute, Hour time.Duration
}

// Stats are sizes of a store.
type Stats struct {
	Subjects  int   // dictionary entries
	Series    int   // series with data in the open blocks
	LogBytes  int64 // bytes of the append log; 0 in memory
	DiskBytes int64 // bytes on disk, the log included; 0 in memory
	FreeBytes int64 // free bytes of the file system; -1 when not known
}
