// Package storetest holds a store against its contract.
//
// Run asks a store the same as a model that answers from the plain list of observations in the most obvious way, over
// random histories with gaps, outages and resets, in any order and repetition, before and after maintenance and
// restarts, and with each of the store's own operations made to fail in turn. The package knows no store: whoever has
// one hands it in, and names what it cannot do. The helpers by which it asks (Ask) are for the stores' own tests too.
package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/lineaged/lineaged/store"
)

// Subject is a store under test, with what its owner can do to it.
type Subject struct {
	store.Store
	// Maintain lets it tidy up as of an instant; nil: it does so by itself, or need not.
	Maintain func(ctx context.Context, now time.Time) error
	// Again closes it and opens what it kept; see Cannot.Restart.
	Again func(t testing.TB) (Subject, error)
	// Ways are others by which one comes from it to a store that holds the same, by name: a kill, a backup that is
	// restored. Only Operations goes them; nil: there is none.
	Ways map[string]func(t testing.TB) (Subject, error)
	// Forgot is up to where an older version wrote what the store holds, which kept of the details of evidence the
	// newest alone: those of windows until then are not compared. Only Operations asks for it.
	Forgot time.Time
	// Fault has each operation on what the store rests on, as a disk, ask a function with its name: one that is told an
	// error has failed so, before it did anything, or after it did all if it asks then. nil takes it away. See
	// Cannot.Fault.
	Fault func(ask func(operation string) error)
}

// Maker opens an empty store of a tick. The store is closed when the test ends.
type Maker func(t testing.TB, tick time.Duration) Subject

// Cannot names what a store cannot do.
type Cannot struct {
	Restart bool // what it held is gone when it is closed
	Fault   bool // it rests on nothing that can fail
	Watch   bool // Rounds says errors.ErrUnsupported: who waits for rounds has to ask for the State
}

// Run holds a store against the contract.
func Run(t *testing.T, open Maker, cannot Cannot) {
	b := &battery{open: open, cannot: cannot}
	t.Run("model", b.model)
	t.Run("order", b.order)
	t.Run("versions", b.versions)
	t.Run("words", b.words)
	t.Run("bounds", b.bounds)
	t.Run("links", b.links)
	t.Run("records", b.records)
	t.Run("events", b.events)
	t.Run("expected", b.expected)
	t.Run("watch", b.watch)
	t.Run("state", b.state)
	t.Run("faults", func(t *testing.T) {
		if cannot.Fault {
			t.Skip("SKIPPED, nothing that this store rests on can fail")
		}
		b.faults(t)
	})
}

type battery struct {
	open   Maker
	cannot Cannot
}

// again is the store after a restart, or the same where that is nothing to it.
func (b *battery) again(t *testing.T, s Subject) Subject {
	t.Helper()
	if b.cannot.Restart {
		return s
	}
	s, err := s.Again(t)
	check(t, err)
	return s
}

func (s Subject) maintain(t testing.TB, now time.Time) {
	t.Helper()
	if s.Maintain != nil {
		check(t, s.Maintain(context.Background(), now))
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
