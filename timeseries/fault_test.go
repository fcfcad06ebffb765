package timeseries

import (
	"context"
	"path/filepath"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// Faults has each operation on files, and on the journal and the vault of stores, ask a function: before it and, of the
// latter, when it is done.
type Faults struct{ ask func(operation string) error }

// Ask sets the function; nil: none.
func (f *Faults) Ask(ask func(operation string) error) { f.ask = ask }

// Files puts the faults under a store that is opened with the options.
func (f *Faults) Files(o Options) Options {
	o.hook = func(op, path string) error { return f.of(op + " " + filepath.Base(path)) }
	return o
}

// Put puts the faults between a store and its journal and vault.
func (f *Faults) Put(s Store) {
	var e *engine
	switch s := s.(type) {
	case *Memory:
		e = s.engine
	case *Disk:
		e = s.engine
	}
	e.journal, e.vault = &faultyJournal{f, e.journal}, &faultyVault{f, e.vault}
}

func (f *Faults) of(operation string) error {
	if f.ask == nil {
		return nil
	}
	return f.ask(operation)
}

// do fails before the operation, or after it.
func (f *Faults) do(name string, operation func() error) error {
	if err := f.of(name); err != nil {
		return err
	}
	if err := operation(); err != nil {
		return err
	}
	return f.of(name + ", done")
}

type faultyJournal struct {
	faults *Faults
	journal
}

func (j *faultyJournal) room() error { return j.faults.do("room", j.journal.room) }

func (j *faultyJournal) write(group []*commit) error {
	return j.faults.do("write log", func() error { return j.journal.write(group) })
}

func (j *faultyJournal) rotate() (segment uint64, err error) {
	err = j.faults.do("rotate log", func() (err error) { segment, err = j.journal.rotate(); return err })
	return segment, err
}

func (j *faultyJournal) saved(generation, segment uint64, tick int64) error {
	return j.faults.do("drop segments", func() error { return j.journal.saved(generation, segment, tick) })
}

func (j *faultyJournal) close() error { return j.faults.do("close log", j.journal.close) }

type faultyVault struct {
	faults *Faults
	vault
}

func (v *faultyVault) begin(f fileID) error {
	return v.faults.do("begin "+f.String(), func() error { return v.vault.begin(f) })
}

func (v *faultyVault) put(f fileID, s sectionID, value []byte) error {
	return v.faults.do("put "+string(s.kind)+" of "+f.String(), func() error { return v.vault.put(f, s, value) })
}

func (v *faultyVault) finish(f fileID) error {
	return v.faults.do("finish "+f.String(), func() error { return v.vault.finish(f) })
}

func (v *faultyVault) get(f fileID, s sectionID) (value []byte, err error) {
	err = v.faults.do("get "+string(s.kind)+" of "+f.String(), func() (err error) { value, err = v.vault.get(f, s); return err })
	return value, err
}

func (v *faultyVault) reading(f fileID) (func(sectionID) ([]byte, error), func() error, error) {
	get, done, err := v.vault.reading(f)
	return func(s sectionID) (value []byte, err error) {
		err = v.faults.do("get "+string(s.kind)+" of "+f.String(), func() (err error) { value, err = get(s); return err })
		return value, err
	}, done, err
}

func (v *faultyVault) drop(f fileID) error {
	return v.faults.do("drop "+f.String(), func() error { return v.vault.drop(f) })
}

func (v *faultyVault) verify(f fileID) (bytes int64, err error) {
	err = v.faults.do("verify "+f.String(), func() (err error) { bytes, err = v.vault.verify(f); return err })
	return bytes, err
}

func (v *faultyVault) rewrite(those func(fileID) bool) (done []fileID, err error) {
	err = v.faults.do("write anew", func() (err error) { done, err = v.vault.rewrite(those); return err })
	return done, err
}

func (v *faultyVault) has(f fileID, sections []sectionID) error {
	return v.faults.do("look for "+f.String(), func() error { return v.vault.has(f, sections) })
}

func (v *faultyVault) close() error { return v.faults.do("close vault", v.vault.close) }

// BackupAsking is Backup, or Restore, that asks with the name of each operation on a file before it.
func BackupAsking(ctx context.Context, restoring bool, from, to string, ask func(op string)) (err error) {
	f := files{hook: func(op, _ string) error { ask(op); return nil }}
	if restoring {
		_, err = restore(ctx, from, to, f, freeSpace)
	} else {
		_, err = backup(ctx, from, to, f, freeSpace)
	}
	return err
}

// marksOf returns all that is marked in a window.
func (e *engine) marksOf(ctx context.Context, w lineage.Window) (*marks, error) {
	v, err := e.view(ctx, w, nil)
	if err != nil {
		return nil, err
	}
	defer v.end()
	q := windowQuery{engine: e, ask: store.Ask{Window: w, Accesses: true}, v: v}
	if err := q.readSealed(ctx); err != nil {
		return nil, err
	}
	q.takeHead(ctx)
	for s := range e.subjects.all() { // by kinds of evidence that this program does not know too
		for _, x := range s.series {
			if e.headMarked(x, v.lo, v.hi) {
				q.now.note(x.key)
			}
		}
	}
	return q.now, nil
}
