// Package timeseries is the time-indexed store of observations.
//
// It takes lineage.Observations, makes them durable, and answers what moved, how much, since when, and what was not observed, for any half-open
// window within retention. It hides how that is laid out: an append log, blocks of time, slabs, bitmaps, a dictionary, tiers. It refuses to know who a
// client is (identity), to draw conclusions (graph), or to look at a clock: the caller says what time it is.
//
// There are two implementations of Store, in memory and in a folder behind an append log, and one battery of tests that both pass.
package timeseries

import (
	"context"
	"errors"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// The errors of the contract.
var (
	ErrNoSpace = store.ErrNoSpace
	ErrTooOld  = store.ErrTooOld
	ErrClosed  = store.ErrClosed
	// ErrGone is when the data folder is not there any more. Nothing was written; only a restart with the folder in its place cures it.
	ErrGone = errors.New("timeseries: the data folder is gone")
)

// Store keeps observations. All methods may be called concurrently. Windows passed to queries should be such as Resolve returned; others are answered
// as the ticks (Round) r with Start < r ≤ End: a round's reading closes the tick that ends at it.
//
// Semantics, which the battery holds:
//
//   - Coverage first. A source that has an observation at round r saw (r-Interval, r], except for what it lists as Missing. A metric without a sample in an observed round did not change.
//     A subject's tick is observed when the source that writes its series observed it and Missing names neither All, nor its topic, nor its group. What is not observed is unknown, never zero.
//   - Counters are totals. The advance between two neighbouring samples of a series is spread evenly over (Since, Round] of the later one. A total lower than its
//     predecessor is a reset: the advance is zero and the series goes on from the new total. A series' first sample advances from zero.
//   - Appending in any order, or twice, gives the same answers.
type Store interface {
	store.Reader
	store.Watcher
	store.Records

	// Append makes the observations durable and visible, all or none. When it returns nil they survive a kill of the process and are in every answer from then on.
	// An observation whose (Source, Round) is already held is ignored.
	Append(ctx context.Context, obs ...lineage.Observation) error
	// Positions returns the newest positions of a source; the caller owns the map. Empty when there are none.
	Positions(ctx context.Context, source lineage.Source) (map[string][]byte, error)

	// Tick is the base step of all rounds.
	Tick() time.Duration
	// Latest returns the newest round of each Source.Cluster; empty before the first.
	Latest() map[string]time.Time
	// Ended returns the newest round of each Source.Cluster that none of its sources has under way.
	Ended() map[string]time.Time
	// Earliest returns the start of the oldest held data; the zero time before the first round.
	Earliest() time.Time
	// Resolve widens a window to the step of the finest tier that still holds its start.
	Resolve(w lineage.Window) lineage.Resolved

	// Subject returns a dictionary entry; ok is false for an id that was never given or has left the dictionary.
	Subject(id lineage.SubjectID) (s lineage.Subject, ok bool)
	// Lookup returns the id of an access.
	Lookup(a lineage.Access) (id lineage.SubjectID, ok bool)
	// Subjects walks the whole dictionary by id.
	Subjects() lineage.Subjects

	// Moved returns the accesses that moved a record in the window: a counter of theirs advanced, or a sighting said so. The caller owns the bitmap.
	Moved(ctx context.Context, w lineage.Window) (*roaring.Bitmap, error)
	// Seen returns, by kind, the accesses that the evidence supported in the window, whether or not they moved. Kinds without any are nil. The caller owns the bitmaps.
	Seen(ctx context.Context, w lineage.Window) ([lineage.EvidenceKinds]*roaring.Bitmap, error)
	// Unobserved returns which of the subjects had no observed tick in the window by any source that writes a series of theirs: for them "did not move" is not known.
	Unobserved(ctx context.Context, w lineage.Window, ids []lineage.SubjectID) (*roaring.Bitmap, error)
	// Open returns which of the subjects no source that writes a series of theirs saw at an instant, and whose next reading is not merely not due yet: what they did until then may still show, or never will.
	Open(ctx context.Context, at time.Time, ids []lineage.SubjectID) (*roaring.Bitmap, error)
	// Evidence returns, for each id, the kinds that supported it in the window, with FirstSeen over all time held and LastSeen the last round in the window.
	Evidence(ctx context.Context, w lineage.Window, ids []lineage.SubjectID) ([][]lineage.Evidence, error)
	// LastMoved returns, for each id, the last round at or before at in which it moved, within lookback; the zero time when there is none.
	LastMoved(ctx context.Context, at time.Time, lookback time.Duration, ids []lineage.SubjectID) ([]time.Time, error)

	// Keys returns the series of the given subjects that exist.
	Keys(ids []lineage.SubjectID) []lineage.SeriesKey
	// Amounts returns what each counter advanced in the window; parallel to keys. An unknown key, or a gauge, has Known false.
	Amounts(ctx context.Context, w lineage.Window, keys []lineage.SeriesKey) ([]lineage.Amount, error)
	// Series returns each series over the window by step, a multiple of the resolved step; parallel to keys, every series with the same ⌈window/step⌉ points.
	// What of a counter's step is still pending (see lineage.Pending) is as if it was not observed.
	Series(ctx context.Context, w lineage.Window, step time.Duration, keys []lineage.SeriesKey) ([][]lineage.Point, error)
	// Levels returns each gauge's value at an instant, carried forward from its last change while its source goes on observing, and not OK after a lineage.Unknown; parallel to keys.
	Levels(ctx context.Context, at time.Time, keys []lineage.SeriesKey) ([]lineage.Level, error)

	// Facts returns the facts of a kind that hold at an instant, Gone ones included when gone is true; source "" means all clusters.
	Facts(ctx context.Context, at time.Time, source string, kind lineage.FactKind, gone bool) ([]lineage.DatedFact, error)
	// Coverage says what part of the window the sources of the named clusters (Source.Cluster; none: all) observed. A source is expected where a
	// lineage.SourceFact says so, and until the first such fact from the window's start, also before its first observation; its blind spots are those in force at the window's end. A slow source's time since its last observation is no gap while the next is not due.
	Coverage(ctx context.Context, w lineage.Window, clusters ...string) (lineage.Coverage, error)

	// Maintain seals blocks that are old enough, rolls them up into the coarser tiers, drops what is beyond retention, and removes log segments and
	// dictionary entries that are no longer needed. Call it every minute or so; it returns soon when there is nothing to do.
	Maintain(ctx context.Context, now time.Time) error
	// Stats returns sizes for the program's own metrics.
	Stats() Stats
	// Close releases everything. It may be called twice; other methods return ErrClosed, or nothing, after it.
	Close() error
}

// Retention says how long each tier is kept. Raw holds every tick, Minute and Hour one sample a step. Each must be at least its predecessor.
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
