package timeseries

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/lineaged/lineaged/lineage"
)

// blocks writes the files of blocks/ anew that name somebody. Rosters go: they have checksums of who was put away, and
// are made anew.
func (x *eraser) blocks() error {
	x.vault = &diskVault{dir: filepath.Join(x.dir, "blocks"), tick: x.step, log: x.engine.log, files: files{dry: true}}
	if err := x.vault.open(); err != nil {
		return err
	}
	if !x.Dry {
		x.drafts = &diskVault{dir: x.aside("blocks"), tick: x.step, log: x.engine.log, files: x.files}
		if err := x.drafts.open(); err != nil {
			return err
		}
	}
	sources, err := x.sources()
	if err != nil {
		return err
	}
	rosters, silent := []string{}, false
	for _, id := range x.vault.list() {
		if id.kind == rosterKind {
			for _, path := range x.vault.paths(id) {
				rosters = append(rosters, filepath.Join("blocks", filepath.Base(path)))
			}
			continue
		}
		changed, err := x.file(id, sources)
		if damaged(err) && x.Dry {
			continue // it is said; it goes to the quarantine, and is removed there
		}
		if err != nil {
			return fmt.Errorf("forget persons in %s: %w", id, err)
		}
		silent = silent || changed && id.kind == deadKind
	}
	if silent {
		x.out.Removed = append(x.out.Removed, rosters...)
	}
	return nil
}

// sources are those by whose numbers the silent name them.
func (x *eraser) sources() ([]*source, error) {
	for _, id := range slices.Backward(x.vault.list()) {
		if id.kind != stateFile {
			continue
		}
		content, err := x.content(id, sectionID{sourceSection, 0})
		if err != nil {
			return nil, err
		}
		return decodeSources(content)
	}
	return nil, nil
}

func (x *eraser) content(id fileID, s sectionID) ([]byte, error) {
	value, err := x.vault.get(id, s)
	if err != nil {
		return nil, err
	}
	return x.engine.codec.open(value)
}

// file writes a file anew where it names somebody.
func (x *eraser) file(id fileID, sources []*source) (changed bool, err error) {
	order := x.vault.whole[id].order()
	now := map[sectionID][]byte{}
	var sums []uint32 // of the silent, by id
	for _, s := range order {
		was, err := x.wants(id, s)
		if err != nil {
			return false, err
		}
		if was == nil {
			continue
		}
		before := x.out
		content, of, err := x.section(id, s, was, sources)
		if err != nil {
			return false, fmt.Errorf("section %c %d: %w", s.kind, s.number, err)
		}
		sums = append(sums, of...)
		if x.changed(before) {
			now[s] = content
		}
	}
	if len(now) == 0 {
		return false, nil
	}
	for _, path := range x.vault.paths(id) {
		x.out.Files = append(x.out.Files, filepath.Join("blocks", filepath.Base(path)))
	}
	if x.Dry {
		return true, nil
	}
	if id.kind == deadKind {
		if order, err = x.renumber(id, order, sums, now); err != nil {
			return false, err
		}
	}
	return true, x.write(id, order, now)
}

// wants returns the content of a section that may name somebody, nil of another.
func (x *eraser) wants(id fileID, s sectionID) ([]byte, error) {
	switch s.kind {
	case roundsSection, eventsSection, wordsSection, detailsSection, reasonsSection, sourceSection, restSection, lostSection:
		content, err := x.content(id, s)
		if err != nil || !x.named(content) {
			return nil, err
		}
		return content, nil
	case subjectSection, factSection: // of subjects all sums are needed, and facts stand as differences
		return x.content(id, s)
	default:
		return nil, nil
	}
}

// section returns a section without the names; of subjects the checksums of their accesses too.
func (x *eraser) section(id fileID, s sectionID, content []byte, sources []*source) (now []byte, sums []uint32, err error) {
	b := &block{tier: int(id.kind), revision: id.revision}
	if id.isBlock() {
		b.meta.start = id.number
		b.meta.end = id.number + x.blockTicks[id.kind]
	}
	switch s.kind {
	case roundsSection:
		now, err = x.rounds(b, content)
	case eventsSection:
		now, err = x.events(b, content)
	case wordsSection:
		words, _, err := decodeWords(b, content)
		if err != nil {
			return nil, nil, err
		}
		for i := range words.notes {
			x.text(&words.notes[i].Text)
		}
		return encodeWords(b, words), nil, nil
	case detailsSection:
		now, err = x.details(b, content)
	case reasonsSection:
		now, err = x.reasons(b, content)
	case sourceSection:
		if x.engine.sources, err = decodeSources(content); err != nil {
			return nil, nil, err
		}
		for _, of := range x.engine.sources {
			if m := of.newest.miss; m != nil {
				x.missing(m.list)
			}
		}
		now = x.engine.encodeSources()
	case restSection:
		now, err = x.rest(content)
	case lostSection:
		lost, whose, err := decodeLost(content)
		if err != nil {
			return nil, nil, err
		}
		for i := range lost {
			x.text(&lost[i].reason)
		}
		return encodeLost(lost, whose), nil, nil
	case factSection:
		now, err = x.facts(content)
	case subjectSection:
		return x.subjects(content, sources)
	}
	return now, nil, err
}

func (x *eraser) rounds(b *block, content []byte) ([]byte, error) {
	all, _, err := decodeRounds(b, content)
	if err != nil {
		return nil, err
	}
	done := map[*missing]*missing{}
	for _, of := range all {
		for i := range of.rounds {
			m := of.rounds[i].miss
			if m == nil {
				continue
			}
			if done[m] == nil {
				list := slices.Clone(m.list)
				x.missing(list)
				done[m] = newMissing(list, encodeMissing(list))
			}
			of.rounds[i].miss = done[m]
		}
	}
	return encodeRounds(b, all), nil
}

func (x *eraser) events(b *block, content []byte) ([]byte, error) {
	all, _, err := decodeEvents(b, content)
	if err != nil {
		return nil, err
	}
	for i := range all {
		x.event(&all[i].Event)
	}
	sortLarge(all, compareEvents)
	return encodeEvents(b, all), nil
}

func (x *eraser) details(b *block, content []byte) ([]byte, error) {
	d, _, err := decodeDetails(b, content)
	if err != nil {
		return nil, err
	}
	for i := range d.entries {
		of := &d.entries[i]
		x.text(&of.base.Text)
		for j := range of.changes {
			x.text(&of.changes[j].Text)
		}
	}
	return encodeDetails(b, d), nil
}

func (x *eraser) reasons(b *block, content []byte) ([]byte, error) {
	d, _, err := decodeReasons(b, content)
	if err != nil {
		return nil, err
	}
	for _, of := range d.entries {
		for _, s := range of.steps {
			for k := range s.texts {
				x.text(&s.texts[k])
			}
		}
	}
	return encodeReasons(b, d), nil
}

// rest keeps the small records: they are what was configured.
func (x *eraser) rest(content []byte) ([]byte, error) {
	was, err := decodeRest(content)
	if err != nil {
		return nil, err
	}
	for kind, all := range was.smalls {
		for _, r := range all {
			x.configured(kind, r)
		}
	}
	for of, keys := range was.positions {
		for key, p := range keys {
			now, stays := x.position(of, key, p.value)
			if p.value = now; stays {
				keys[key] = p
			} else {
				delete(keys, key)
			}
		}
	}
	e := x.engine
	e.subjects, e.latest, e.smalls, e.positions = newSubjects(was.ids), was.latest, was.smalls, was.positions
	return e.encodeRest(), nil
}

// facts writes the lines anew, their past as differences.
func (x *eraser) facts(content []byte) ([]byte, error) {
	all, err := decodeFacts(content)
	if err != nil {
		return nil, err
	}
	var d differ
	for key, l := range all {
		now := &factLine{}
		for i := range l.past {
			v := factVersion{tick: l.past[i].tick, codedFact: codedFact{fact: lineage.Fact{Key: key, Gone: true}}}
			if body := l.pastBody(i); body != nil {
				v.fact.Gone, v.body = false, string(x.body(key, body))
			}
			now.push(&v, &d)
		}
		for _, v := range l.versions {
			if body := v.bytes(); body != nil {
				v.body = string(x.body(key, body))
			}
			now.versions = append(now.versions, v)
		}
		all[key] = now
	}
	return encodeFactLines(all), nil
}

func (x *eraser) subjects(content []byte, sources []*source) (now []byte, sums []uint32, err error) {
	all, err := decodeSubjects(content, sources)
	if err != nil {
		return nil, nil, err
	}
	for _, s := range all {
		x.access(&s.entry.access)
		sums = append(sums, sumOf(&s.entry.access))
		for _, p := range s.supports {
			x.text(&p.detail)
		}
	}
	if len(all) == 0 {
		return content, nil, nil
	}
	return encodeParts(slices.Values(all))[0], sums, nil
}

// renumber gives a file of the silent the checksums of who is in it now.
func (x *eraser) renumber(id fileID, order []sectionID, sums []uint32, now map[sectionID][]byte) ([]sectionID, error) {
	index, sumsAt := sectionID{deadIndex, 0}, sectionID{sumSection, 0}
	content, err := x.content(id, index)
	if err != nil {
		return nil, err
	}
	d, err := decodeDead(id.number, content)
	if err != nil {
		return nil, err
	}
	if d.inline { // a file that is written is of the newest version
		order = append(slices.DeleteFunc(slices.Clone(order), func(s sectionID) bool { return s == index }), sumsAt, index)
	}
	d.mark = markOf(sums)
	now[sumsAt], now[index] = encodeSums(sums), encodeDead(d)
	return order, nil
}

// write writes a file of what was, and of what is another now.
func (x *eraser) write(id fileID, order []sectionID, now map[sectionID][]byte) error {
	if err := x.drafts.begin(id); err != nil {
		return err
	}
	for _, s := range order {
		var value []byte
		var err error
		if content, ok := now[s]; ok {
			value = x.engine.codec.seal(content)
		} else {
			value, err = x.vault.get(id, s)
		}
		if err == nil {
			err = x.drafts.put(id, s, value)
		}
		if err != nil {
			return err
		}
	}
	return x.drafts.finish(id)
}
