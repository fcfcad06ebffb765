package timeseries

import (
	"context"
	"slices"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

var (
	_ Store = (*Memory)(nil)
	_ Store = (*Disk)(nil)
)

// Memory is a Store that forgets all when the process ends. It seals, compresses and rolls up as the other does.
type Memory struct{ *engine }

// NewMemory returns an empty store. It panics when the options cannot be: they are the program's own then.
func NewMemory(o Options) *Memory {
	o, err := o.withDefaults()
	if err != nil {
		panic(err.Error())
	}
	return &Memory{newEngine(o, noJournal{}, newMemoryVault())}
}

// noJournal is the journal of a store that is not durable.
type noJournal struct{}

func (noJournal) room() error                       { return nil }
func (noJournal) write([]*commit) error             { return nil }
func (noJournal) rotate() (uint64, error)           { return 0, nil }
func (noJournal) live(uint64, int64) []uint64       { return nil }
func (noJournal) saved(uint64, uint64, int64) error { return nil }
func (noJournal) size() int64                       { return 0 }
func (noJournal) close() error                      { return nil }
func (noJournal) free() int64                       { return -1 }

// Newest implements Store.
func (e *engine) Newest(source lineage.Source) time.Time {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if s := e.byName[source]; s != nil && s.newest.tick > 0 {
		return e.at(s.newest.tick)
	}
	return time.Time{}
}

// Positions implements Store.
func (e *engine) Positions(ctx context.Context, source lineage.Source) (map[string][]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.closed {
		return nil, ErrClosed
	}
	out := map[string][]byte{}
	for k, p := range e.positions[source] {
		if p.value != nil {
			out[k] = slices.Clone(p.value)
		}
	}
	return out, nil
}

// Stats implements Store.
func (e *engine) Stats() Stats {
	e.mu.RLock()
	defer e.mu.RUnlock()
	s := Stats{Subjects: e.subjects.live, FreeBytes: -1}
	if e.closed {
		return s
	}
	for x := range e.subjects.all() {
		for _, y := range x.series {
			if y.head.any() {
				s.Series++
			}
		}
	}
	s.LogBytes = e.journal.size()
	s.DiskBytes = s.LogBytes + e.vault.size()
	s.FreeBytes = e.journal.free()
	return s
}

// Close implements Store.
func (e *engine) Close() error {
	e.maintain.Lock()
	defer e.maintain.Unlock()
	e.commit.Lock()
	defer e.commit.Unlock()
	e.mu.Lock()
	closed := e.closed
	e.closed = true
	e.shut.Store(true)
	clear(e.latest)
	e.mu.Unlock()
	e.watch.close()
	if closed {
		return nil
	}
	e.readers.Wait()
	e.codec.close()
	err := e.journal.close()
	if vaultErr := e.vault.close(); err == nil {
		err = vaultErr
	}
	return err
}
