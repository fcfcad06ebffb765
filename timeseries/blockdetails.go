package timeseries

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"sort"

	"github.com/lineaged/lineaged/lineage"
)

// blockDetails is what is said of accesses in words in a block's time: of those alone of whom it changed. What stands
// of the others the next block that has them says, or else the dictionary.
type blockDetails struct {
	// whole: all that changed is here. It is not where the block was made of one that an older version wrote.
	whole   bool
	entries []detailEntry // by key
}

// detailKey is an access and a kind of evidence.
type detailKey struct {
	subject subjectID
	kind    lineage.EvidenceKind
}

func (k detailKey) compare(o detailKey) int {
	return cmp.Or(cmp.Compare(k.subject, o.subject), cmp.Compare(k.kind, o.kind))
}

// detailEntry is what changed of one. A word's At is since when it stands.
type detailEntry struct {
	detailKey
	base    lineage.Word // what stood when the block began; zero: nothing
	changes []lineage.Word
}

// at returns what stood at a tick of the block.
func (x *detailEntry) at(tick int64) lineage.Word {
	n := sort.Search(len(x.changes), func(i int) bool { return x.changes[i].At > tick })
	if n == 0 {
		return x.base
	}
	return x.changes[n-1]
}

// equal leaves out since when the base stands, of which an older block may know less.
func (x *detailEntry) equal(o *detailEntry) bool {
	return x.base.Text == o.base.Text && slices.Equal(x.changes, o.changes)
}

// of returns nil where nothing changed.
func (d *blockDetails) of(key detailKey) *detailEntry {
	i, ok := d.find(key)
	if !ok {
		return nil
	}
	return &d.entries[i]
}

// find returns where an entry is, or else where it belongs.
func (d *blockDetails) find(key detailKey) (int, bool) {
	return slices.BinarySearchFunc(d.entries, key, func(x detailEntry, k detailKey) int { return x.compare(k) })
}

// takeDetails fetches what is said in open blocks up to a tick. It needs mu.
func (e *engine) takeDetails(end int64) *blockDetails {
	d := &blockDetails{whole: true}
	for s := range e.subjects.all() {
		for _, p := range s.supports {
			if base, changes := p.changes(e.sealed, end); len(changes) > 0 {
				d.entries = append(d.entries, detailEntry{detailKey{s.id, p.kind}, base, changes})
			}
		}
	}
	d.sort()
	return d
}

func (d *blockDetails) sort() {
	slices.SortFunc(d.entries, func(a, b detailEntry) int { return a.compare(b.detailKey) })
}

// joinDetails makes the details of a coarser block out of those of finer ones, by time: of each step what stood at its
// end. What lies before a block that does not know all is not held together with what follows it.
func joinDetails(all []*blockDetails, up func(tick int64) int64) *blockDetails {
	out := &blockDetails{whole: true}
	by := map[detailKey]*detailEntry{}
	for _, d := range all {
		if !d.whole {
			out.whole = false
			clear(by)
		}
		for i := range d.entries {
			x := &d.entries[i]
			y := by[x.detailKey]
			if y == nil {
				y = &detailEntry{detailKey: x.detailKey, base: x.base}
				by[x.detailKey] = y
			}
			for _, c := range x.changes {
				if n := len(y.changes); n > 0 && up(y.changes[n-1].At) == up(c.At) {
					y.changes = y.changes[:n-1]
				}
				y.changes = append(y.changes, c)
			}
		}
	}
	for _, x := range by {
		out.entries = append(out.entries, *x)
	}
	out.sort()
	return out
}

func encodeDetails(b *block, d *blockDetails) []byte {
	var w writer
	w.bool(d.whole)
	texts := map[string]int{"": 0}
	var list []string
	number := func(text string) int {
		n, ok := texts[text]
		if !ok {
			list = append(list, text)
			n = len(list)
			texts[text] = n
		}
		return n
	}
	var entries writer
	entries.uint(uint64(len(d.entries)))
	subject := subjectID(0)
	for _, x := range d.entries {
		entries.uint(uint64(x.subject - subject))
		subject = x.subject
		entries.byte(byte(x.kind))
		if entries.uint(uint64(number(x.base.Text))); x.base.Text != "" {
			entries.uint(uint64(x.base.At))
		}
		entries.uint(uint64(len(x.changes)))
		tick := b.meta.start
		for _, c := range x.changes {
			entries.uint(uint64(c.At - tick))
			entries.uint(uint64(number(c.Text)))
			tick = c.At
		}
	}
	w.uint(uint64(len(list)))
	for _, text := range list {
		w.string(text)
	}
	return append(w.b, entries.b...)
}

func decodeDetails(b *block, content []byte) (*blockDetails, int, error) {
	r := reader{b: content}
	d := &blockDetails{whole: r.bool()}
	texts := []string{""}
	for range r.count(1) {
		texts = append(texts, r.string())
	}
	text := func() string {
		if n := r.uint(); n < uint64(len(texts)) {
			return texts[n]
		}
		r.fail("a detail that is not there")
		return ""
	}
	d.entries = make([]detailEntry, r.count(4))
	subject, words := uint64(0), 0
	for i := range d.entries {
		if subject += r.uint(); subject > math.MaxUint32 {
			r.fail("a subject is out of range")
		}
		x := detailEntry{detailKey: detailKey{subjectID(subject), r.evidence()}}
		if x.base.Text = text(); x.base.Text != "" {
			x.base.At = r.tick()
		}
		tick := b.meta.start
		for range r.count(2) {
			step := r.tick()
			if tick += step; step == 0 || tick > b.meta.end {
				r.fail("a detail lies outside its block")
			}
			x.changes = append(x.changes, lineage.Word{At: tick, Text: text()})
		}
		if i > 0 && d.entries[i-1].compare(x.detailKey) >= 0 {
			r.fail("the details are not in order")
		}
		if r.err != nil {
			break
		}
		d.entries[i], words = x, words+len(x.changes)
	}
	return d, len(content) + 80*len(d.entries) + 24*words, r.end()
}

// blockDetails returns no entry, and that this is not all, of a block that an older version wrote.
func (e *engine) blockDetails(b *block) (*blockDetails, error) {
	switch err := e.vault.has(b.file(), []sectionID{{detailsSection, 0}}); {
	case errors.Is(err, errAbsent):
		return &blockDetails{}, nil
	case err != nil:
		return nil, err
	}
	return load(e, b, detailsSection, 0, decodeDetails)
}

// standing is what is looked for: what stood at a tick of sealed time.
type standing struct {
	detailKey
	word lineage.Word // at first what stood at the end of that time; zero: nothing, or it is not known
}

// lookForDetails finds what stood at a tick of sealed time: from there on the first block in which anything changed
// says it, or else the end of all. Where what changed between is not held it is known only of what stood before.
func (v *view) lookForDetails(tick int64, want []*standing) error {
	held := func(x *standing, w lineage.Word, whole bool) {
		if x.word = w; !whole && w.At > tick {
			x.word = lineage.Word{}
		}
	}
	whole := true
	n := sort.Search(len(v.cover), func(i int) bool { return v.cover[i].meta.end > tick })
	for _, b := range v.cover[n:] {
		if len(want) == 0 {
			return nil
		}
		d, err := v.blockDetails(b)
		if err != nil {
			return err
		}
		whole = whole && d.whole && !touches(v.damage, tick, b.meta.end)
		want = slices.DeleteFunc(want, func(x *standing) bool {
			y := d.of(x.detailKey)
			if y != nil {
				held(x, y.at(tick), whole)
			}
			return y != nil
		})
	}
	whole = whole && !touches(v.damage, tick, v.sealedEnd)
	for _, x := range want {
		held(x, x.word, whole)
	}
	return nil
}
