package timeseries

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Of each file of silent subjects the sums are in memory, or a roster has them. Which, and the list of rosters, are
// written under commit and mu both, so that either is enough to read; a roster's file goes when nobody with commit can
// know it any more.

// id names the file in rosters.
func (d *deadFile) id() rosterFile { return rosterFile{d.number, d.mark} }

// readSums reads the sums of a file, by id. It must not be called with mu.
func (e *engine) readSums(d *deadFile) ([]uint32, error) {
	kind, decode := byte(sumSection), decodeSums
	if d.inline {
		kind, decode = deadIndex, func(b []byte) ([]uint32, error) {
			x, err := decodeDead(d.number, b)
			return x.sums, err
		}
	}
	content, err := e.section(d.file(), kind, 0)
	if err != nil {
		return nil, err
	}
	sums, err := decode(content)
	if err == nil && (markOf(sums) != d.mark || uint64(len(sums)) != d.ids.GetCardinality()) {
		err = fmt.Errorf("%w: they are not those of its subjects", errCorrupt)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s, section %c: %w", d.file(), kind, err)
	}
	return sums, nil
}

// inRoster reports whether a roster has the sums of a file. It needs commit or mu.
func (e *engine) inRoster(d *deadFile) bool {
	return slices.ContainsFunc(e.rosters, func(x *roster) bool { return x.has(d.id()) })
}

// whose returns the sums of a file, in order: from memory, from the file, or where it is damaged from a roster. It must
// not be called with mu.
func (e *engine) whose(d *deadFile) (sums []uint32, err error) {
	e.mu.RLock()
	sums, all := d.sums, e.rosters
	e.mu.RUnlock()
	if sums != nil {
		return sums, nil
	}
	sums, err = e.readSums(d)
	for _, x := range all {
		if err != nil && x.has(d.id()) {
			sums, err = e.sumsIn(x, d.id())
		}
	}
	slices.Sort(sums)
	return sums, err
}

// sumsIn reads all of a roster for the sums of one file.
func (e *engine) sumsIn(x *roster, f rosterFile) (sums []uint32, err error) {
	for page := range x.first {
		all, err := e.rosterPage(x, page)
		if err != nil {
			return nil, err
		}
		for _, y := range all {
			if x.files[y.file] == f {
				sums = append(sums, y.sum)
			}
		}
	}
	return sums, nil
}

// holders returns those of some files that may hold a sum, the newest first. It needs commit, and not mu.
func (e *engine) holders(files []*deadFile, sum uint32) (out []*deadFile, err error) {
	if err := e.recall(files); err != nil {
		return nil, err
	}
	named, asked := e.asked.of(nil, sum)
	for _, x := range e.rosters {
		if asked {
			break
		}
		err := e.ask(x, []uint32{sum}, func(_ uint32, f rosterFile) { named = append(named, f) })
		if damaged(err) {
			e.dropRoster(x, err)
			return e.holders(files, sum)
		} else if err != nil {
			return nil, err
		}
	}
	for _, d := range slices.Backward(files) {
		is := false
		if d.sums != nil {
			_, is = slices.BinarySearch(d.sums, sum)
		} else if len(named) > 0 {
			is = slices.Contains(named, d.id())
		}
		if is {
			out = append(out, d)
		}
	}
	return out, nil
}

// recall reads the sums of those of some files whose sums no roster has. Where that are many, as when a roster is lost,
// they go into new ones meanwhile. It needs commit, and not mu.
func (e *engine) recall(files []*deadFile) error {
	n, many := 0, 16*e.recent
	for _, d := range files {
		if d.sums == nil && !d.rostered {
			sums, err := e.readSums(d)
			if err != nil {
				return &deadError{d, err}
			}
			slices.Sort(sums)
			e.mu.Lock()
			d.sums = sums
			e.mu.Unlock()
		}
		if n += len(d.sums); n > many && !e.dry && e.journal.room() == nil {
			x, err := e.writeRoster(files)
			if err != nil { // they stay in memory
				e.log.Warn("a roster of who was put away cannot be written", "error", err)
				many *= 2
				continue
			}
			e.adopt(x)
			n = 0
		}
	}
	return nil
}

// writeRoster makes a roster of those of some files whose sums are in memory. It needs commit or the maintain lock.
func (e *engine) writeRoster(files []*deadFile) (*roster, error) {
	var of []rosterFile
	var all []rosterEntry
	e.mu.RLock()
	for _, d := range files {
		if d.sums == nil {
			continue
		}
		for _, s := range d.sums {
			all = append(all, rosterEntry{s, uint32(len(of))})
		}
		of = append(of, d.id())
	}
	e.mu.RUnlock()
	slices.SortFunc(all, compareEntries)
	w, err := e.beginRoster(of)
	if err != nil {
		return nil, err
	}
	for _, x := range all {
		if err := w.add(x); err != nil {
			return nil, err
		}
	}
	return w.finish()
}

func compareEntries(a, b rosterEntry) int {
	return cmp.Or(cmp.Compare(a.sum, b.sum), cmp.Compare(a.file, b.file))
}

// adopt begins to use a roster, in the place of some others, and lets go of the sums that it has. It needs commit, and
// not mu.
func (e *engine) adopt(x *roster, instead ...*roster) {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := slices.DeleteFunc(slices.Clone(e.rosters), func(y *roster) bool { return slices.Contains(instead, y) })
	if x != nil {
		all = append(all, x)
	}
	slices.SortStableFunc(all, func(a, b *roster) int { return cmp.Compare(b.sums, a.sums) }) // the largest first
	e.rosters, e.asked = all, nil
	for _, d := range e.dead {
		if d.rostered = e.inRoster(d); d.rostered {
			d.sums = nil
		}
	}
}

// dropRoster does without a roster that is damaged. It needs commit, and not mu.
func (e *engine) dropRoster(x *roster, why error) {
	e.log.Warn("what says where silent subjects are is damaged; it is made anew of their files, and nothing is lost", "file", x.file().String(), "error", why)
	e.adopt(nil, x)
	if err := e.vault.drop(x.file()); err != nil {
		e.log.Error("a damaged file stays where it is, and is not read", "error", err)
	}
}

// loadRosters reads the heads of the rosters that are there.
func (e *engine) loadRosters() error {
	var all []*roster
	for _, f := range e.vault.list() {
		if f.kind != rosterKind {
			continue
		}
		e.rosterNumber = max(e.rosterNumber, f.number)
		x := &roster{number: f.number}
		content, err := e.section(f, rosterHead, 0)
		if err == nil {
			x, err = decodeRosterHead(f.number, content)
		}
		if damaged(err) {
			e.dropRoster(&roster{number: f.number}, err)
			continue
		}
		if err != nil {
			return err
		}
		x.filtered = len(x.first) == 0 || e.vault.has(f, []sectionID{{rosterFilterSection, 0}}) == nil
		all = append(all, x)
	}
	slices.SortStableFunc(all, func(a, b *roster) int { return cmp.Compare(b.sums, a.sums) })
	e.rosters = all
	return nil
}

// checkRosters reads all rosters. It needs to be alone.
func (e *engine) checkRosters() error {
	for _, x := range slices.Clone(e.rosters) {
		if _, err := e.vault.verify(x.file()); damaged(err) {
			e.dropRoster(x, err)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// keepRosters makes a roster of the sums in memory when there are many, and of several rosters one. It needs the
// maintain lock.
func (e *engine) keepRosters() error {
	e.mu.RLock()
	files, n := e.dead, 0
	for _, d := range files {
		n += len(d.sums)
	}
	e.mu.RUnlock()
	if n > e.recent {
		x, err := e.writeRoster(files)
		if err != nil {
			return err
		}
		e.commit.Lock()
		e.adopt(x)
		e.commit.Unlock()
	}
	return e.mergeRosters()
}

// mergeRosters makes one of those that are together more than half of the next larger one, and makes one anew of whose
// files most are gone, or that has no filters. So there are as many as the logarithm of all sums, and each sum is
// written as often.
func (e *engine) mergeRosters() error {
	e.mu.RLock()
	all, live := e.rosters, map[rosterFile]int{}
	for _, d := range e.dead {
		live[d.id()] = int(d.ids.GetCardinality())
	}
	e.mu.RUnlock()
	from, after := len(all), 0
	covered := map[rosterFile]bool{}
	for i, x := range all {
		held := 0
		for _, f := range x.files {
			if !covered[f] {
				held += live[f]
			}
			covered[f] = true
		}
		if held < x.sums/2 || !x.filtered {
			from = min(from, i)
		}
	}
	for i, x := range slices.Backward(all) {
		if after > 0 && x.sums < 2*after {
			from = min(from, i)
		}
		after += x.sums
	}
	if from == len(all) {
		return nil
	}
	x, err := e.merged(all[from:], live)
	var bad *rosterError
	if errors.As(err, &bad) && damaged(err) {
		e.commit.Lock()
		defer e.commit.Unlock()
		e.dropRoster(bad.x, err)
		return nil
	}
	if err != nil {
		return err
	}
	e.commit.Lock()
	e.adopt(x, all[from:]...)
	e.commit.Unlock()
	for _, y := range all[from:] { // whom nobody reads any more
		if err := e.vault.drop(y.file()); err != nil {
			return fmt.Errorf("drop %s: %w", y.file(), err)
		}
	}
	return nil
}

// rosterError is why a roster cannot be read.
type rosterError struct {
	x *roster
	error
}

func (e *rosterError) Unwrap() error { return e.error }

// rosterCursor reads a roster from its beginning.
type rosterCursor struct {
	x    *roster
	as   []int // the number of each file in the roster that is made; -1: it is gone
	page int
	left []rosterEntry
}

// next reads on as far as the next sum of a file that is not gone. ok is false at the end.
func (c *rosterCursor) next(e *engine) (y rosterEntry, ok bool, err error) {
	for {
		for ; len(c.left) > 0; c.left = c.left[1:] {
			if as := c.as[c.left[0].file]; as >= 0 {
				return rosterEntry{c.left[0].sum, uint32(as)}, true, nil
			}
		}
		if c.page == len(c.x.first) {
			return y, false, nil
		}
		if c.left, err = e.rosterPage(c.x, c.page); err != nil {
			return y, false, &rosterError{c.x, err}
		}
		c.page++
	}
}

// merged writes what some rosters have of files that are not gone; nil where that is nothing.
func (e *engine) merged(all []*roster, live map[rosterFile]int) (*roster, error) {
	var files []rosterFile
	for _, x := range all {
		for _, f := range x.files {
			if _, ok := live[f]; ok {
				files = append(files, f)
			}
		}
	}
	slices.SortFunc(files, compareRosterFiles)
	files = slices.Compact(files)
	if len(files) == 0 {
		return nil, nil //nolint:nilnil // that all are gone is no error
	}
	cursors := make([]*rosterCursor, len(all))
	for i, x := range all {
		cursors[i] = &rosterCursor{x: x}
		for _, f := range x.files {
			n, ok := slices.BinarySearchFunc(files, f, compareRosterFiles)
			if !ok {
				n = -1
			}
			cursors[i].as = append(cursors[i].as, n)
		}
	}
	w, err := e.beginRoster(files)
	if err != nil {
		return nil, err
	}
	for last := (rosterEntry{}); ; {
		var least *rosterCursor
		var at rosterEntry
		for _, c := range cursors {
			y, ok, err := c.next(e)
			if err != nil { // no other has this number, which would begin anew what was begun
				return nil, errors.Join(err, e.vault.drop(w.x.file()))
			}
			if ok && (least == nil || compareEntries(y, at) < 0) {
				least, at = c, y
			}
		}
		if least == nil {
			return w.finish()
		}
		least.left = least.left[1:]
		if w.x.sums > 0 && at == last { // a file in two
			continue
		}
		if err := w.add(at); err != nil {
			return nil, err
		}
		last = at
	}
}
