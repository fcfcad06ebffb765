package timeseries

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// storeSource names the store in the gaps that no source is left for.
const storeSource = "store"

// lostSpan is why rounds of the ticks (a, b] are not held. It explains gaps, it makes none: what was recovered from
// elsewhere is observed.
type lostSpan struct {
	a, b   int64
	source lineage.Source // whose rounds; the zero source: anybody's
	reason string
	// damage says that what the rounds held is gone, and not only when it happened: sums over the span are too low
	// then.
	damage bool
}

func (x lostSpan) of(name lineage.Source) bool {
	return x.source == lineage.Source{} || x.source == name
}

// lose notes why rounds are not held. Spans of one reason that touch are one. It needs mu for writing.
func (e *engine) lose(x lostSpan) {
	e.lost = mergeLost(e.lost, x)
	e.touch(x.a)
}

// mergeLost returns the spans with another.
func mergeLost(all []lostSpan, x lostSpan) []lostSpan {
	if x.a >= x.b {
		return all
	}
	out := make([]lostSpan, 0, len(all)+1)
	for _, y := range all {
		if y.source == x.source && y.reason == x.reason && y.damage == x.damage && y.a <= x.b && x.a <= y.b {
			x.a, x.b = min(x.a, y.a), max(x.b, y.b)
			continue
		}
		out = append(out, y)
	}
	out = append(out, x)
	slices.SortFunc(out, func(a, b lostSpan) int {
		c := cmp.Or(cmp.Compare(a.a, b.a), cmp.Compare(a.b, b.b), cmp.Compare(a.source.String(), b.source.String()), cmp.Compare(a.reason, b.reason))
		if c == 0 && a.damage != b.damage {
			if c = 1; a.damage {
				c = -1
			}
		}
		return c
	})
	return out
}

// lostIn returns the spans that touch (lo, hi]. It needs mu.
func (e *engine) lostIn(lo, hi int64) (out []lostSpan) {
	for _, x := range e.lost {
		if x.a < hi && x.b > lo {
			out = append(out, x)
		}
	}
	return out
}

// damage returns the spans of which what they held is gone. It needs mu.
func (e *engine) damage() (out []lostSpan) {
	for _, x := range e.lost {
		if x.damage {
			out = append(out, x)
		}
	}
	return out
}

// touches reports whether one of the spans has a tick in (a, b].
func touches(spans []lostSpan, a, b int64) bool {
	return slices.ContainsFunc(spans, func(x lostSpan) bool { return x.a < b && x.b > a })
}

// encodeLost writes what is lost, and who is not held any more by halves of sums, by which versions before section a
// go on.
func encodeLost(all []lostSpan, whose []unsure) []byte {
	var w writer
	w.uint(uint64(len(all)))
	for _, x := range all {
		w.lost(x)
	}
	w.uint(uint64(len(whose)))
	for _, x := range whose {
		w.unsure(x.halved())
	}
	return w.b
}

func (w *writer) lost(x lostSpan) {
	w.uint(uint64(x.a))
	w.uint(uint64(x.b - x.a))
	w.source(x.source)
	w.string(x.reason)
	w.bool(x.damage)
}

func (r *reader) lost() lostSpan {
	x := lostSpan{a: r.tick()}
	x.b = x.a + r.tick()
	x.source, x.reason, x.damage = r.source(), r.string(), r.bool()
	return x
}

func decodeLost(content []byte) (out []lostSpan, whose []unsure, err error) {
	r := reader{b: content}
	for range r.count(6) {
		out = append(out, r.lost())
	}
	if len(r.b) > 0 { // it was written before totals could be lost
		for range r.count(3) {
			whose = append(whose, r.unsure(true))
		}
	}
	return out, whose, r.end()
}

// quarantine takes a block that cannot be read out of all answers, keeps its file, and notes the gap. What finer blocks
// still hold of its time is answered by them.
func (e *engine) quarantine(b *block, why error) {
	e.mu.Lock()
	x := &e.tiers[b.tier]
	i := slices.Index(x.blocks, b)
	if i < 0 {
		e.mu.Unlock()
		return // another was as quick
	}
	x.blocks = slices.Delete(slices.Clone(x.blocks), i, i+1)
	e.lose(lostSpan{
		a: b.meta.start, b: b.meta.end, damage: true,
		reason: fmt.Sprintf("quarantined: a block of the history is damaged (the %ss of %s)", tierNames[b.tier], e.at(b.meta.start).Format(time.RFC3339)),
	})
	e.layout++
	e.publish()
	e.mu.Unlock()
	e.dirty.Store(true)
	e.log.Error("a block of the history is damaged; it is set aside, and its time is a gap", "tier", tierNames[b.tier], "from", e.at(b.meta.start), "to", e.at(b.meta.end), "error", why)
	e.cache.forget(b.tier, b.meta.start, b.revision)
	e.setAside(b.file())
}

// quarantineDead takes a file of silent subjects that cannot be read out of all answers, keeps it, and notes that their
// time is told without them. It must not be called with mu.
func (e *engine) quarantineDead(d *deadFile, why error) {
	sums, unknown := e.whose(d)
	e.mu.Lock()
	i := slices.Index(e.dead, d)
	if i < 0 {
		e.mu.Unlock()
		return // another was as quick, or it is not held any more
	}
	e.dead = slices.Delete(slices.Clone(e.dead), i, i+1)
	a, b := d.first, d.last
	if d.factLast > 0 {
		a = min(a, d.factFirst)
	}
	e.lose(lostSpan{a: max(a-1, 0), b: b, damage: true, reason: lostSubjects})
	if x := (unsure{file: d.number, last: d.last, half: true, sums: halves(sums)}); unknown == nil {
		e.doubt(x)
		e.unwrittenUnsure = append(slices.Clip(e.unwrittenUnsure), x)
	} else { // no source goes on from what it had counted, see heal
		e.unreadable = append(e.unreadable, d.number)
		clear(e.positions)
		e.unwrittenReset = true
	}
	e.layout++
	e.publish()
	e.mu.Unlock()
	e.dirty.Store(true)
	e.log.Error("subjects that were silent for long are lost: their file is damaged, and is set aside", "file", d.file().String(), "from", e.at(a), "to", e.at(b), "error", why)
	e.cache.forget(deadKind, d.number, 0)
	e.setAside(d.file())
}

// deadError is why a file of silent subjects cannot be read.
type deadError struct {
	file *deadFile
	error
}

func (e *deadError) Unwrap() error { return e.error }

// setAsideDead takes the file that an error of its reading names out of use, when it is damaged. It reports whether it
// did. It must not be called with mu.
func (e *engine) setAsideDead(err error) bool {
	if err == nil {
		return false
	}
	var x *deadError
	if !errors.As(err, &x) || !damaged(err) {
		return false
	}
	e.quarantineDead(x.file, err)
	return true
}

// checkDead reads all files of silent subjects.
func (e *engine) checkDead() error {
	e.mu.RLock()
	e.unverifiedDead = e.dead
	e.mu.RUnlock()
	_, err := e.verifyDead(math.MaxInt64)
	return err
}

// verifyDead reads those files of silent subjects that were not read wholly yet, the newest first, as far as budget
// bytes go, and returns what is left of them. A copy that is damaged is said, and written anew by the next Maintain;
// where no copy of a section is whole the file is set aside.
func (e *engine) verifyDead(budget int64) (left int64, err error) {
	for budget > 0 && len(e.unverifiedDead) > 0 {
		last := len(e.unverifiedDead) - 1
		d := e.unverifiedDead[last]
		e.mu.RLock()
		held := slices.Contains(e.dead, d)
		e.mu.RUnlock()
		if held {
			n, err := e.verifySilent(d)
			if err != nil {
				return budget, err
			}
			budget -= max(n, 1)
		}
		e.unverifiedDead = e.unverifiedDead[:last]
	}
	return budget, nil
}

// verifySilent reads a file of silent subjects, and returns how much that was.
func (e *engine) verifySilent(d *deadFile) (bytes int64, err error) {
	bytes, err = e.vault.verify(d.file())
	if err == nil || !damaged(err) {
		return bytes, err
	}
	e.log.Error("a copy of silent subjects is damaged", "file", d.file().String(), "error", err)
	for _, s := range d.sections() {
		if _, err = e.section(d.file(), s.kind, s.number); err != nil {
			break
		}
	}
	if damaged(err) {
		e.quarantineDead(d, err)
		err = nil
	}
	return bytes, err
}

// mend writes anew what is kept twice and has a damaged copy, before the next damage hits the other. The state is
// written anew as a generation of its own.
func (e *engine) mend() error {
	done, err := e.vault.rewrite(func(f fileID) bool { return f.kind == deadKind || f.kind == rosterKind })
	for _, f := range done {
		e.log.Info("a copy was damaged; both are written anew", "file", f.String())
	}
	return err
}

// setAside moves a file into the quarantine. Where that fails it stays where it is, and nothing reads it.
func (e *engine) setAside(file fileID) {
	if err := e.vault.quarantine(file); err != nil {
		e.log.Error("a damaged file stays where it is, and is not read", "error", err)
	}
	e.troubleText(quarantined, "a part of the history is damaged and was set aside: lineaged data check says more")
}

// unclaimed deals with the files that the state does not name: what a crash left of a sealing is made again and
// replaces them; older generations were to be deleted; blocks beyond retention too. With anything else there is more
// here than was written down: it is set aside.
func (e *engine) unclaimed() error {
	named, made := map[fileID]bool{}, map[fileID]bool{} // files, and blocks in whichever revision
	if e.generation > 0 {
		named[stateOf(e.generation)] = true
	}
	for t := range e.tiers {
		for _, b := range e.tiers[t].blocks {
			named[b.file()], made[blockFile(t, b.meta.start)] = true, true
		}
	}
	for _, d := range e.dead {
		named[d.file()] = true
	}
	for _, f := range e.vault.list() {
		if named[f] || f.kind == rosterKind { // of which no state says anything
			continue
		}
		var err error
		switch {
		case f.kind == stateFile && e.generation > 0 && f.number < int64(e.generation), f.isBlock() && f.number < e.tiers[f.kind].floor:
			err = e.discard(f)
		case f.isBlock() && made[fileID{kind: f.kind, number: f.number}] && !e.broken:
			// Of another revision: one that was replaced, or one that a crash kept from being named.
			err = e.discard(f)
		case f.isBlock() && f.number >= e.tiers[f.kind].sealed && !e.broken, f.kind == deadKind && !e.broken:
			// It is of a sealing that a crash cut short.
			err = e.discard(f)
		default:
			e.log.Error("a file of the store is not named by its state; it is set aside", "file", f.String())
			e.setAside(f)
		}
		if err != nil {
			return fmt.Errorf("tidy up %s: %w", f, err)
		}
	}
	return nil
}

// discard removes a file that is not needed. One that is damaged could not be set aside when that was found: it is now.
func (e *engine) discard(f fileID) error {
	if _, err := e.vault.verify(f); errors.Is(err, errCorrupt) {
		e.log.Error("a file of the store that its state does not name is damaged; it is set aside", "file", f.String(), "error", err)
		e.setAside(f)
		return nil
	}
	return e.vault.drop(f)
}

// loseAll is for a folder whose state is gone: without it no block can be read. All is set aside, and its time is a
// gap.
func (e *engine) loseAll() {
	a, b := int64(never), int64(0)
	for _, f := range e.vault.list() {
		if f.isBlock() {
			a, b = min(a, f.number), max(b, f.number+e.blockTicks[f.kind])
		}
		e.setAside(f)
	}
	e.broken = true
	e.lose(lostSpan{a: min(a, b), b: b, damage: true, reason: "quarantined: the saved state of the store is damaged or gone, and the blocks before cannot be read without it"})
	e.log.Error("the saved state of the store is damaged or gone: the blocks before are set aside, and what the log holds is kept")
}

// checkState has the state written anew when one of its copies is damaged: it was read, and the next damage may hit the
// other.
func (e *engine) checkState() {
	if _, err := e.vault.verify(stateOf(e.generation)); err != nil {
		e.log.Error("a copy of the saved state is damaged; the other is whole, and both are written anew", "error", err)
		e.dirty.Store(true)
	}
}

// verifyAtOpen bounds the bytes that are read again before the store is open; Maintain reads the rest. It is a tenth of
// a second of a slow disk's cache.
const verifyAtOpen = 128 << 20

// verifyAtOnce bounds what one Maintain reads again.
const verifyAtOnce = 64 << 20

// checkBlocks sets blocks aside whose file is not what the state says. Those of which budget bytes were read wholly are
// known to be good; the others wait in unverified.
func (e *engine) checkBlocks(budget int64) error {
	for t := range e.tiers {
		for _, b := range slices.Backward(e.tiers[t].blocks) {
			err := e.vault.has(b.file(), b.sections())
			if err == nil && budget <= 0 {
				e.unverified = append(e.unverified, b)
				continue
			}
			if err == nil {
				var n int64
				n, err = e.vault.verify(b.file())
				budget -= n
			}
			if err == nil {
				continue
			}
			if !damaged(err) {
				return err
			}
			e.quarantine(b, err)
		}
	}
	return nil
}

// verifySome reads up to budget bytes of what was not verified yet. It needs the maintain lock.
func (e *engine) verifySome(budget int64) error {
	budget, err := e.verifyDead(budget)
	if err != nil {
		return err
	}
	for len(e.unverified) > 0 && budget > 0 {
		b := e.unverified[0]
		n, err := e.vault.verify(b.file())
		budget -= max(n, 1)
		e.mu.RLock()
		held := slices.Contains(e.tiers[b.tier].blocks, b)
		e.mu.RUnlock()
		if err != nil && held {
			if !damaged(err) {
				return err
			}
			e.quarantine(b, err)
		}
		e.unverified = e.unverified[1:]
	}
	return nil
}
