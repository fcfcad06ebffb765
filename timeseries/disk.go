package timeseries

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/lineaged/lineaged/lineage"
)

// Disk is a Store in a folder: LOCK, the append log in log/, sealed blocks and the saved state in blocks/, and in
// quarantine/ what turned out to be damaged.
type Disk struct {
	*engine
	lock *os.File
	once sync.Once
	err  error // of Close
}

// Open opens the store in a folder, which is made if it is not there; all that a kill left is brought back. One process
// may have it open at a time.
//
// Nothing has to be written to open it: while the file system has less free space than Options.MinFree, or none, what
// is there can be read, and Append returns ErrNoSpace until there is room. Damage does not keep it from opening either:
// what can be read is, what is lost is a gap with its reason, and Health says so.
func Open(dir string, o Options) (*Disk, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	s, err := open(dir, o)
	if err != nil {
		return nil, fmt.Errorf("open data folder %s: %w", dir, err)
	}
	return s, nil
}

func open(dir string, o Options) (*Disk, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := refuseCopies(dir); err != nil {
		return nil, err
	}
	if err := checkVersions(dir); err != nil {
		return nil, err
	}
	f := files{hook: o.hook, fast: o.fast, dry: o.dry}
	for _, d := range []string{filepath.Join(dir, "log"), filepath.Join(dir, "blocks")} {
		if err := f.folder(d); err != nil {
			return nil, err
		}
	}
	lock, err := lockFolder(filepath.Join(dir, "LOCK"))
	if err != nil {
		return nil, err
	}
	s, err := openErased(dir, lock, o, f)
	if err != nil {
		return nil, errors.Join(err, unlockFolder(lock))
	}
	s.lock = lock
	return s, nil
}

// openErased opens a folder once an erasure that was cut short in it is done.
func openErased(dir string, lock *os.File, o Options, f files) (*Disk, error) {
	if o.dry {
		if _, ok, err := readErasing(dir); ok || err != nil {
			return nil, errors.Join(err, errors.New("persons are being forgotten in it, and that was cut short: start lineaged on it, or repair it, which finishes that"))
		}
	} else if err := finishErasing(dir, f); err != nil {
		return nil, fmt.Errorf("finish an erasure that was cut short: %w", err)
	}
	return openLocked(dir, lock, o, f)
}

func openLocked(dir string, lock *os.File, o Options, f files) (*Disk, error) {
	aside := filepath.Join(dir, "quarantine")
	l := &appendLog{
		dir: filepath.Join(dir, "log"), clock: newClock(o.Tick), log: o.Log, minFree: o.MinFree, next: 1, files: f, aside: aside, lock: lock,
		space: func() (int64, error) { return freeSpace(dir) },
	}
	if l.minFree == 0 {
		l.minFree = defaultMinFree(dir)
	}
	v := &diskVault{dir: filepath.Join(dir, "blocks"), aside: aside, tick: o.Tick, log: o.Log, files: f}
	if err := v.open(); err != nil {
		return nil, err
	}
	e := newEngine(o, l, v)
	e.persistent = true
	if err := e.recover(l); err != nil {
		return nil, errors.Join(err, v.close())
	}
	if err := l.room(); errors.Is(err, ErrNoSpace) {
		o.Log.Warn("the data can be read; nothing is stored until there is room", "error", err)
		e.trouble(storing, err)
	}
	e.healthOfQuarantine(aside)
	o.Log.Debug("the data is open", "state", e.generation, "sealed", e.at(e.sealed), "segments", len(l.segments), "subjects", e.subjects.live)
	return &Disk{engine: e}, nil
}

// recover brings memory to where it was: the saved state, then what the log holds beyond it.
func (e *engine) recover(l *appendLog) error {
	e.commit.Lock()
	defer e.commit.Unlock()
	m, found, err := e.load()
	if err != nil {
		return err
	}
	if !found && !e.broken && l.neverSaved() {
		for _, f := range e.vault.list() { // of a first sealing that a crash cut short
			if err := e.vault.drop(f); err != nil {
				return fmt.Errorf("tidy up %s: %w", f, err)
			}
		}
	}
	if !found && len(e.vault.list()) > 0 {
		e.loseAll()
	}
	if found {
		e.checkState()
	}
	e.unverifiedDead = slices.Clone(e.dead)
	if _, err := e.verifyDead(verifyAtOpen); err != nil {
		return err
	}
	if err := e.checkBlocks(verifyAtOpen); err != nil {
		return err
	}
	if err := e.unclaimed(); err != nil {
		return err
	}
	e.listAll()
	defer e.opened()
	l.generation = m.generation
	e.replaying = true
	r, err := l.replay(m, func(segment uint64) { e.known(segment < m.next) }, e.replayFrame)
	e.known(false)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.replaying = false; e.settles() {
		e.settleAll()
	}
	if r.generation > m.generation && !e.broken {
		e.log.Error("the saved state of the store is gone", "generation", r.generation, "found", m.generation)
		e.broken = true
		r.lost = append(r.lost, lostSpan{a: m.sealed, b: max(e.firstInHeadOr(m.sealed+1), m.sealed+1), damage: true, reason: "damaged: the saved state of the store is gone, and the blocks before with it"})
	}
	// Numbers go on after those that were given before, so that what finds its way back is not overwritten.
	l.generation = max(l.generation, r.generation)
	e.generation = l.generation
	e.heal(r)
	return nil
}

// known says whether what is replayed next is of before the saved state. It needs commit.
func (e *engine) known(is bool) {
	if is == e.ledgers.known {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.settles() { // what was replayed as such is settled as such
		e.settleAll()
	}
	e.ledgers.known = is
}

// heal takes in what the log turned out to have lost. It needs commit and mu.
func (e *engine) heal(r *replayer) {
	reset := r.reset || e.broken || slices.ContainsFunc(e.unreadable, func(file int64) bool { return !e.unsureFile(file) })
	for _, x := range r.lost {
		e.lose(x)
		e.troubleText(quarantined, "a part of the history is "+x.reason+": lineaged data check says more")
	}
	for _, x := range e.lost { // also those that were noted before, since the head was read from the log again
		if x.damage && x.b > e.sealed && x.source == (lineage.Source{}) {
			e.bridge(x)
		}
	}
	if reset {
		clear(e.positions)
		e.log.Error("what the sources had counted up to was lost in part; they begin anew")
	}
	if len(r.lost) > 0 || reset {
		e.unwritten, e.unwrittenReset = slices.Clone(r.lost), reset
	}
	if e.broken || len(r.lost) > 0 {
		e.dirty.Store(true)
	}
}

// bridge lets the first advance of each counter after a loss reach back over it: it may have happened in the lost
// rounds, and must not look like a burst in one tick. It needs mu for writing.
func (e *engine) bridge(x lostSpan) {
	// the newest round before the loss, by source; -1: all before are lost; 0: its rounds go on without a hole
	from := make([]int64, len(e.sources))
	for i, s := range e.sources {
		n, _ := findRound(s.head, x.a+2) // the newest round that was read before the loss is of x.a+1
		before := s.before.tick
		if n > 0 {
			before = s.head[n-1].tick
		}
		switch {
		case n == len(s.head): // nothing came after
		case before == 0:
			from[i] = -1
		case s.head[n].start() > before:
			from[i] = before
		}
	}
	for s := range e.subjects.all() {
		for _, y := range s.series {
			if y.key.Metric.Counter() {
				y.reachBack(from, e.sources)
			}
		}
	}
	for i, at := range from {
		if s := e.sources[i]; at < 0 && s.head[0].tick < s.newest.tick {
			// what advanced until then is not known: it is as if it had not been seen
			e.lose(lostSpan{a: x.a, b: s.head[0].tick, source: s.name, damage: true, reason: x.reason})
			s.head = slices.Clone(s.head[1:])
		}
	}
}

// reachBack has the first sample of the head after a loss span it; from is as in bridge. Where nothing is known of
// before, its total is where it begins: it was not all advanced at once.
func (s *series) reachBack(from []int64, sources []*source) {
	all := s.head.since(0)
	for i, p := range all {
		at := from[p.src]
		if at == 0 || p.tick <= at {
			continue
		}
		switch {
		case i == 0 && (at < 0 || !s.sealed):
			s.base, s.sealed, s.src = p.value, true, sources[p.src]
			if all[0].estimated = true; p.tick == sources[p.src].head[0].tick {
				all = all[1:]
			}
			s.head.set(all, s.base)
		case p.tick-int64(p.span) > at:
			all[i].span, all[i].estimated = int32(min(p.tick-at, maxSpanTicks)), true
			s.head.set(all, s.base)
		}
		return
	}
}

// replayFrame applies a frame of the log. It needs commit.
func (e *engine) replayFrame(payload []byte, t *replayTables) (f replayedFrame, err error) {
	all, err := e.decodeFrame(payload, t)
	if err != nil {
		return f, err
	}
	for _, c := range all {
		c.prepare()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range all {
		f.healed = f.healed || c.healed
		for _, r := range c.records {
			if f.maxTick == 0 {
				f.minTick = r.round.tick
			}
			f.minTick, f.maxTick = min(f.minTick, r.round.tick), max(f.maxTick, r.round.tick)
		}
		e.apply(c)
	}
	return f, nil
}

// firstInHeadOr needs mu.
func (e *engine) firstInHeadOr(tick int64) int64 {
	if first := e.firstInHead(); first != never {
		return first
	}
	return tick
}

// Close implements Store.
func (s *Disk) Close() error {
	s.once.Do(func() { s.err = errors.Join(s.engine.Close(), unlockFolder(s.lock)) })
	return s.err
}

// healthOfQuarantine says that there is something in the quarantine. Whoever has seen it deletes the folder.
func (e *engine) healthOfQuarantine(dir string) {
	names, err := os.ReadDir(dir)
	if err != nil || len(names) == 0 {
		return
	}
	list := make([]string, 0, 3)
	for _, n := range names[:min(len(names), 3)] {
		list = append(list, n.Name())
	}
	e.troubleText(quarantined, fmt.Sprintf("parts of the history were damaged and are set aside in the data folder's quarantine (%s): lineaged data check says more", strings.Join(list, ", ")))
}
