// Package store is the contract between those who keep observations and those who write, read and watch them.
//
// It says what a store is asked and what its answers mean, in small interfaces that something remote could keep too:
// every call takes a context and returns an error; answers are columns or sequences; filters and cursors are values. It
// hides how observations are kept: no dense ids, no bitmaps, no maintenance. It refuses to know who a client is, to
// draw conclusions, and to do anything itself but arithmetic on what was answered. An implementation passes the battery
// of store/storetest and names there what it cannot do.
//
// What the answers mean:
//
//   - Coverage first. A source that has an observation at round r saw (r-Interval, r], except for what it lists as
//     Missing. A metric without a sample in an observed round did not change. A tick of an access is observed when the
//     source that writes its series observed it and Missing names neither All, nor its topic, nor its group. What is
//     not observed is unknown, never zero.
//   - Counters are totals. The advance between two neighbouring samples of a series is spread evenly over (Since,
//     Round] of the later one. A total lower than its predecessor is a reset: the advance is zero and the series goes
//     on from the new total. A series' first sample advances from zero.
//   - A window is answered as the ticks (rounds) r with Start < r ≤ End: a round's reading closes the tick that ends at
//     it.
//   - Appending in any order, or twice, gives the same answers.
//
// All methods may be called concurrently. What an answer holds is shared and never changes: callers only read it.
package store

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// Errors that callers branch on. What a store cannot do at all is errors.ErrUnsupported.
var (
	// ErrNoSpace is when the store has no room to write. Nothing was written; reads go on; a later Append may succeed.
	ErrNoSpace = errors.New("store: free space is below the watermark")
	// ErrTooOld is when an observation's round lies in what was already closed to appends.
	ErrTooOld = errors.New("store: round is older than what is still open")
	// ErrClosed is when the store was closed.
	ErrClosed = errors.New("store: closed")
	// ErrBehind is when a watcher is further behind than the store remembers: read the State and watch on from its
	// version.
	ErrBehind = errors.New("store: more rounds came than are remembered")
	// ErrCursor is when a cursor is none that the store gave for such a filter.
	ErrCursor = errors.New("store: not a cursor of this store")
)

// Store is all of the contract. Callers take the part that they need.
type Store interface {
	Writer
	Reader
	Watcher
	Records
}

// Writer takes observations.
type Writer interface {
	// Append makes the observations durable and visible, all or none. When it returns nil they survive a kill of the
	// process and are in every answer from then on. An observation whose (Source, Round) is already held is ignored.
	Append(ctx context.Context, obs ...lineage.Observation) error
	// Positions returns the newest positions of a source; the caller owns the map. Empty when there are none.
	Positions(ctx context.Context, source lineage.Source) (map[string][]byte, error)
}

// Reader answers questions about the past.
type Reader interface {
	// State says how far the store is. It is cheap, and never waits for a round that is being appended.
	State(ctx context.Context) (State, error)
	// Window answers all that a view of a window needs, in one call. What only some questions need is asked of the
	// answer.
	Window(ctx context.Context, ask Ask) (*Window, error)
	// Events returns what happened in a window, the newest first.
	Events(ctx context.Context, filter EventFilter) (Events, error)
}

// Watcher tells of rounds when they come, so that nobody has to poll.
type Watcher interface {
	// Rounds yields each round that became visible after a version, in the order of versions, and waits for the next.
	// It ends when the caller breaks off, and with an error when ctx ends, when the store is closed (ErrClosed), or
	// when the caller is too slow (ErrBehind): no watcher holds up an Append.
	Rounds(ctx context.Context, after Version) iter.Seq2[Round, error]
}

// Records keeps small records of the program's own by kind, each kind with versions from 1 on.
type Records interface {
	// PutRecord keeps a record as the newest of its kind, durable when it returns nil, and returns its version. A
	// record equal to the newest keeps its version.
	PutRecord(ctx context.Context, kind RecordKind, record []byte) (version int, err error)
	// Record returns the newest record of a kind; the caller owns it. Version 0 and nil when there is none.
	Record(ctx context.Context, kind RecordKind) (version int, record []byte, err error)
}

// RecordKind says what a record is about. Its values are part of the storage format.
type RecordKind string

// IdentityRecord is the rules by which clients become nodes.
const IdentityRecord RecordKind = "identity"

// Version numbers what a store holds: it grows with each change that is visible. Versions of one opening of a store may
// be compared, those of two may not. 0 is older than all.
type Version uint64

// Round says that a round of a source is in.
type Round struct {
	Source  lineage.Source
	At      time.Time // the aligned instant of the round
	Version Version   // from which on it is visible
}

// EventFilter says which events are asked for.
type EventFilter struct {
	// Window: an event at its start belongs to the window before, as a round does.
	Window lineage.Window
	// Types are those asked for; none: all.
	Types []lineage.EventType
	// After is the Next of the page before; empty: from the newest.
	After Cursor
	// Limit is how many events are answered at most; 0: all.
	Limit int
}

// Cursor is a place among the events of a filter. It survives new events and restarts; what it holds is the store's
// affair.
type Cursor string

// Events is a page of events.
type Events struct {
	List []lineage.Event
	// Next goes on after this page; empty when there is no more.
	Next Cursor
}
