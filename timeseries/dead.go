package timeseries

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/lineaged/lineaged/lineage"
)

// A subject that nothing was seen of for long is put away: out of memory, and out of the state that is written every
// hour, into a file with others that fell silent at about the same time. It is read again when a window of its time is
// asked for, and comes back, with its number and its totals, when it is seen again. So what is alive is what memory and
// sealing cost.

// silentFor is for how long a subject was silent when it is put away. It exceeds the lookback of a week in which silent
// flows are still drawn, so that views of the present read no such file.
const silentFor = 8 * day

// crowd is how many may be in memory, accesses and facts of groups, who have been silent for longer than they were ever
// seen: those of one run, and yesterday's producer ids. Where there are more, all of them are put away whose time is
// sealed, so that an estate of mayflies takes the memory of hours and not of days. Views of the present do read the
// files of their lookback then. It is some 30 MiB, and at 200 groups a minute a file in three hours.
const crowd = 1 << 15

// deadFile is one such file. Only what it was put away with is in it: a subject that came back is in memory too, and
// memory holds.
type deadFile struct {
	number      int64           // names it: the tick at which it was made
	first, last int64           // the oldest and the newest round of its subjects
	ids         *roaring.Bitmap // of its subjects
	mark        uint32          // of the sums of their accesses
	inline      bool            // it is of version 2, and the sums are in its index
	// sums are sorted; nil while a roster has them, which is rostered, or before they are read.
	sums     []uint32
	rostered bool
	// Of the groups that were gone when it was made: the oldest version of their facts, and the newest round in which
	// one went; 0 and 0 for none.
	factFirst, factLast int64
}

func (d *deadFile) file() fileID { return fileID{kind: deadKind, number: d.number} }

// lostSubjects is why a time is a gap whose subjects cannot be read any more.
const lostSubjects = "quarantined: subjects that were silent for long are lost; counts of their time are too low"

// parts is how many sections of subjects it has.
func (d *deadFile) parts() int {
	return (int(d.ids.GetCardinality()) + stateSubjects - 1) / stateSubjects
}

// sections are those that it must have.
func (d *deadFile) sections() []sectionID {
	out := []sectionID{{deadIndex, 0}, {factSection, 0}}
	if !d.inline {
		out = append(out, sectionID{sumSection, 0})
	}
	for i := range d.parts() {
		out = append(out, sectionID{subjectSection, i})
	}
	return out
}

// sumOf returns a checksum of an access, to look for it by.
func sumOf(a *lineage.Access) uint32 {
	var w writer
	w.access(*a)
	return crc32.Checksum(w.b, castagnoli)
}

// encodeDead writes the index, after a zero: that of version 2 began with the oldest round, which is later.
func encodeDead(d *deadFile) []byte {
	var w writer
	w.uint(0)
	w.uint(uint64(d.first))
	w.uint(uint64(d.last))
	w.uint(uint64(d.factFirst))
	w.uint(uint64(d.factLast))
	w.b = binary.LittleEndian.AppendUint32(w.b, d.mark)
	w.bitmap(d.ids)
	return w.b
}

func decodeDead(number int64, content []byte) (*deadFile, error) {
	r := reader{b: content}
	d := &deadFile{number: number, first: r.tick()}
	if d.inline = d.first > 0; !d.inline {
		d.first = r.tick()
	}
	d.last, d.factFirst, d.factLast = r.tick(), r.tick(), r.tick()
	if !d.inline {
		d.mark = r.u32()
	}
	if d.ids = r.bitmap(); d.ids == nil {
		d.ids = roaring.New()
	}
	if !d.inline {
		return d, r.end()
	}
	if n := d.ids.GetCardinality(); n > uint64(len(r.b)) {
		r.fail("there are more silent subjects than sums")
	}
	d.sums = []uint32{}
	sum := uint64(0)
	for range d.ids.GetCardinality() {
		if sum += r.uint(); sum > math.MaxUint32 {
			r.fail("a sum is out of range")
		}
		if r.err != nil {
			break
		}
		d.sums = append(d.sums, uint32(sum))
	}
	d.mark = markOf(d.sums)
	return d, r.end()
}

// leaving says who is to be put away at a tick.
type leaving struct {
	tick  int64
	until int64 // those who were seen last by then; 0: nobody for that alone
	// outlived: those who were seen last by then and have been silent for longer than they were seen; 0: nobody.
	outlived int64
}

func (l leaving) goes(first, last int64) bool {
	return last <= l.until || last <= l.outlived && l.tick-last > last-first
}

// leaving finds out who is to be put away: the silent once a day, those of a crowd once for each block that is sealed.
// ok is false when it is too soon for either. It needs mu, and the maintain lock.
func (e *engine) leaving(tick int64) (l leaving, ok bool) {
	before := int64(0)
	if n := len(e.dead); n > 0 {
		before = e.dead[n-1].number
	}
	if l.tick = tick; tick <= before {
		return l, false
	}
	silent := min(e.sealed, tick-int64(e.silentFor/e.step))
	if before == 0 || tick-before >= int64(day/e.step) {
		l.until = silent
	}
	if e.crowdAt < e.sealed {
		e.crowdAt = e.sealed
		all := leaving{tick: tick, outlived: e.sealed}
		n := 0
		for s := range e.subjects.all() {
			if s.last <= all.outlived && all.goes(e.firstSeen(s), s.last) && s.silent() {
				n++
			}
		}
		for _, line := range e.facts {
			if line.leaves(all) {
				n++
			}
		}
		if n > e.crowd {
			l.outlived = e.sealed
			l.until = silent // there is a file now, so that there is none a day later
		}
	}
	return l, l.until > 0 || l.outlived > 0
}

// leaves reports whether the fact is one of a group that went, and is to be put away.
func (l *factLine) leaves(with leaving) bool {
	return l.key().Kind == lineage.GroupFacts && len(l.versions) == 1 && l.goneAt() != never && with.goes(l.firstTick(), l.goneAt())
}

// firstTick returns the round of the oldest version.
func (l *factLine) firstTick() int64 {
	if len(l.past) > 0 {
		return l.past[0].tick
	}
	return l.versions[0].tick
}

// putAway puts away who is silent. It reports whether it did. It needs the maintain lock.
func (e *engine) putAway(now time.Time) (bool, error) {
	tick := e.floor(now)
	e.mu.RLock()
	who, ok := e.leaving(tick)
	if !ok {
		e.mu.RUnlock()
		return false, nil
	}
	d := &deadFile{number: tick, first: max(who.until, who.outlived), ids: roaring.New()}
	var silent []*subject
	sums := []uint32{}
	for s := range e.subjects.all() {
		if s.last > max(who.until, who.outlived) || !s.silent() {
			continue
		}
		if first := e.firstSeen(s); who.goes(first, s.last) {
			silent = append(silent, s)
			d.ids.Add(uint32(s.id))
			sums = append(sums, sumOf(&s.entry.access))
			d.first, d.last = min(d.first, first), max(d.last, s.last)
		}
	}
	d.ids.RunOptimize() // they were mostly given one after another
	d.mark = markOf(sums)
	byID := encodeSums(sums)
	slices.Sort(sums)
	d.sums = sums
	parts := encodeParts(slices.Values(silent))
	gone := e.goneGroups(d, who)
	facts := encodeFactLines(gone)
	e.mu.RUnlock()
	if len(silent)+len(gone) == 0 {
		return false, nil
	}
	if err := e.vault.begin(d.file()); err != nil {
		return false, fmt.Errorf("write %s: %w", d.file(), err)
	}
	for i, p := range parts {
		if err := e.putSection(d.file(), subjectSection, i, p); err != nil {
			return false, err
		}
	}
	if err := e.putSection(d.file(), factSection, 0, facts); err != nil {
		return false, err
	}
	if err := e.putSection(d.file(), sumSection, 0, byID); err != nil {
		return false, err
	}
	if err := e.putSection(d.file(), deadIndex, 0, encodeDead(d)); err != nil {
		return false, err
	}
	if err := e.vault.finish(d.file()); err != nil {
		return false, fmt.Errorf("write %s: %w", d.file(), err)
	}
	e.commit.Lock()
	defer e.commit.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.dead = append(slices.Clip(e.dead), d)
	for _, s := range silent {
		if who.goes(e.firstSeen(s), s.last) && s.silent() { // and not seen meanwhile
			e.subjects.remove(s)
			e.entries.remove(&s.entry.access)
		}
	}
	if len(silent) > 0 {
		e.index() // which holds them too
	}
	went := 0
	for key, line := range gone {
		if e.facts[key] == line && line.leaves(who) {
			delete(e.facts, key)
			e.factOrder.went()
			went++
		}
	}
	if went > len(e.facts)/4 {
		e.facts = roomless(e.facts)
	}
	e.layout++
	return true, nil
}

// goneGroups returns the facts that are to be put away, and notes their time. It needs mu.
func (e *engine) goneGroups(d *deadFile, who leaving) map[lineage.FactKey]*factLine {
	out := map[lineage.FactKey]*factLine{}
	for key, line := range e.facts {
		if !line.leaves(who) {
			continue
		}
		out[key] = line
		first := line.firstTick()
		if d.factLast == 0 {
			d.factFirst = first
		}
		d.factFirst, d.factLast = min(d.factFirst, first), max(d.factLast, line.goneAt())
	}
	d.last = max(d.last, d.factLast)
	return out
}

// goneAt returns the round since which the fact is gone, never when it is not.
func (l *factLine) goneAt() int64 {
	if v := &l.versions[len(l.versions)-1]; v.fact.Gone {
		return v.tick
	}
	return never
}

// goneFacts reads the facts of groups that were put away and that were not gone yet at a tick, or went after it, the
// newest file first. It must not be called with mu.
func (e *engine) goneFacts(after, until int64) ([]map[lineage.FactKey]*factLine, error) {
	e.mu.RLock()
	files := e.dead
	e.mu.RUnlock()
	var out []map[lineage.FactKey]*factLine
	for _, d := range slices.Backward(files) {
		if d.factLast <= after || d.factFirst > until {
			continue
		}
		key := cacheKey{tier: deadKind, start: d.number, section: factSection}
		if v, ok := e.cache.get(key); ok {
			out = append(out, v.(map[lineage.FactKey]*factLine))
			continue
		}
		lines, content, err := e.deadFacts(d)
		if err != nil {
			err = &deadError{d, err}
			e.setAsideDead(err)
			return nil, err
		}
		e.cache.put(key, lines, 600*len(lines)+4*content)
		out = append(out, lines)
	}
	return out, nil
}

// deadFacts reads the facts of a file, and returns how many bytes they were.
func (e *engine) deadFacts(d *deadFile) (map[lineage.FactKey]*factLine, int, error) {
	content, err := e.section(d.file(), factSection, 0)
	if err != nil {
		return nil, 0, err
	}
	lines, err := decodeFacts(content)
	if err != nil {
		return nil, 0, fmt.Errorf("read %s, section %c: %w", d.file(), factSection, err)
	}
	return lines, len(content), nil
}

// silent reports whether a subject can be put away: nothing of it is in open blocks, and no window lists it unasked.
func (s *subject) silent() bool {
	a := &s.entry.access
	if a.Op == lineage.OpNone || a.MovesOffsets() {
		return false
	}
	// What is settled by is told once and holds without a word, and what came out goes on where it was.
	if a.Client.Kind == lineage.Remainder {
		return false
	}
	return !slices.ContainsFunc(s.series, func(x *series) bool {
		return x.head.any() || x.key.Metric.Settles() || x.key.Evidence == lineage.Elimination
	})
}

// deadPart returns a section of silent subjects, by id. They belong to the cache. sources are the engine's, as they are
// or were.
func (e *engine) deadPart(d *deadFile, part int, sources []*source) ([]*subject, error) {
	key := cacheKey{tier: deadKind, start: d.number, section: subjectSection, number: part}
	if v, ok := e.cache.get(key); ok {
		return v.([]*subject), nil
	}
	all, err := e.readDeadPart(d, part, sources)
	if err != nil {
		return nil, err
	}
	e.cache.put(key, all, 1500*len(all))
	return all, nil
}

// readDeadPart is deadPart past the cache.
func (e *engine) readDeadPart(d *deadFile, part int, sources []*source) ([]*subject, error) {
	content, err := e.section(d.file(), subjectSection, part)
	if err != nil {
		return nil, &deadError{d, err}
	}
	all, err := decodeSubjects(content, sources)
	if err != nil {
		return nil, &deadError{d, fmt.Errorf("read %s, section %c %d: %w", d.file(), subjectSection, part, err)}
	}
	return all, nil
}

// partOf returns which section holds a subject.
func (d *deadFile) partOf(id uint32) int { return int(d.ids.Rank(id)-1) / stateSubjects }

// whoseGo reads who is in the files that retire will forget when all blocks go that end by a tick: of the newest, since
// so many are remembered. One that is damaged is lost; one that cannot be read now stays, and those after it. It needs
// the maintain lock.
func (e *engine) whoseGo(until int64) map[*deadFile]unsure {
	e.mu.RLock()
	floor, files := e.tiers[hourTier].floor, e.dead
	for _, b := range e.tiers[hourTier].blocks {
		if b.meta.end <= until {
			floor = b.meta.end
		}
	}
	e.mu.RUnlock()
	n := 0
	for n < len(files) && files[n].last <= floor {
		n++
	}
	out, left := map[*deadFile]unsure{}, maxUnsure
	for _, d := range slices.Backward(files[:n]) {
		if left -= int(d.ids.GetCardinality()); left < 0 && d != files[n-1] {
			out[d] = unsure{}
			continue
		}
		x, err := e.away(d)
		switch {
		case err == nil:
			out[d] = x
		case damaged(err):
			e.quarantineDead(d, err)
		default:
			e.log.Error("who is beyond retention cannot be read, and stays", "file", d.file().String(), "error", err)
		}
	}
	return out
}

// away says who is in a file, for when it is gone: by their accesses, and where these cannot be read by the file's
// sums. It must not be called with mu.
func (e *engine) away(d *deadFile) (unsure, error) {
	x := unsure{file: d.number, last: d.last}
	e.mu.RLock()
	sources := e.sources
	e.mu.RUnlock()
	for part := range d.parts() {
		all, err := e.readDeadPart(d, part, sources)
		if damaged(err) {
			sums, unknown := e.whose(d)
			if unknown != nil {
				return x, unknown
			}
			e.log.Warn("who goes beyond retention is known by half of each checksum alone, since the file is damaged", "file", d.file().String(), "error", err)
			x.half, x.sums = true, halves(sums)
			return x, nil
		} else if err != nil {
			return x, err
		}
		for _, s := range all {
			x.sums = append(x.sums, wideSumOf(&s.entry.access))
		}
	}
	return x, nil
}

// retireDead forgets the files that hold nothing after the floor; whose is as of whoseGo. It needs mu for writing.
func (e *engine) retireDead(floor int64, whose map[*deadFile]unsure) {
	for len(e.dead) > 0 && e.dead[0].last <= floor {
		x, ok := whose[e.dead[0]]
		if !ok {
			return
		}
		e.deadDoomed = append(e.deadDoomed, e.dead[0])
		// who was seen after it is in another, or in memory
		e.retired(x)
		e.dead = e.dead[1:]
	}
}

// dropDead deletes the files that no saved state names any more. It needs the maintain lock.
func (e *engine) dropDead() error {
	for len(e.deadDoomed) > 0 {
		if err := e.vault.drop(e.deadDoomed[0].file()); err != nil {
			return fmt.Errorf("drop %s: %w", e.deadDoomed[0].file(), err)
		}
		e.deadDoomed = e.deadDoomed[1:]
	}
	return nil
}

// loadDead reads the indexes of the files that the state names. One that cannot be read is set aside: its subjects are
// missing in the answers of their time.
func (e *engine) loadDead(numbers []int64) error {
	if err := e.loadRosters(); err != nil {
		return err
	}
	recalled := 0
	defer func() {
		if recalled > 2*e.recent {
			e.log.Info("where silent subjects are is read from their files, since no roster says it", "subjects", recalled)
		}
	}()
	for _, n := range numbers {
		d := &deadFile{number: n}
		content, err := e.section(d.file(), deadIndex, 0)
		if err == nil {
			d, err = decodeDead(n, content)
		}
		read := err == nil
		if err == nil {
			err = e.vault.has(d.file(), d.sections())
		}
		if err == nil {
			if d.rostered = e.inRoster(d); d.rostered {
				d.sums = nil
			} else {
				recalled += int(d.ids.GetCardinality())
			}
			e.dead = append(e.dead, d)
			if err = e.recall(e.dead); err != nil {
				e.dead = e.dead[:len(e.dead)-1]
			}
		}
		switch {
		case err == nil:
		case damaged(err):
			e.log.Error("subjects that were silent for long are lost", "file", d.file().String(), "error", err)
			e.troubleText(quarantined, fmt.Sprintf("subjects that were silent for long are lost: %s: %v", d.file(), err))
			e.lose(lostSpan{a: 0, b: n, damage: true, reason: lostSubjects})
			var sums []uint32
			if read {
				sums, err = e.whose(d)
			}
			if read && err == nil {
				e.doubt(unsure{file: n, last: d.last, half: true, sums: halves(sums)})
			} else {
				e.unreadable = append(e.unreadable, n)
			}
			e.setAside(d.file()) // once it was read for whose it is
		default:
			return err
		}
	}
	return nil
}
