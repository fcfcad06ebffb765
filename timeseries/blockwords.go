package timeseries

import (
	"cmp"
	"math"
	"slices"
	"sort"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/lineaged/lineaged/lineage"
)

// blockWords is what a raw block keeps, besides its samples and rounds, for its time to be settled anew: what was said
// of topics, and which writers were sighted, since marks do not tell a sighting from an advance.
type blockWords struct {
	notes   []topicNote // by topic and tick
	sighted []tickMarks // of writes alone, by tick
}

type topicNote struct {
	topic subjectID
	lineage.Word
}

// of returns what was said of a topic.
func (w *blockWords) of(topic subjectID) (out []lineage.Word) {
	i := sort.Search(len(w.notes), func(i int) bool { return w.notes[i].topic >= topic })
	for ; i < len(w.notes) && w.notes[i].topic == topic; i++ {
		out = append(out, w.notes[i].Word)
	}
	return out
}

// takeWords fetches what is said and sighted up to a tick. It needs mu.
func (e *engine) takeWords(end int64) *blockWords {
	w := &blockWords{}
	if !e.settles() {
		return w
	}
	for topic, x := range e.ledgers.of {
		ent := e.entries.of(&lineage.Access{Topic: topic})
		if len(x.notes) == 0 || ent == nil || ent.subject == nil {
			continue
		}
		for _, n := range x.notes {
			if n.At <= end {
				w.notes = append(w.notes, topicNote{ent.subject.id, n})
			}
		}
	}
	slices.SortFunc(w.notes, func(a, b topicNote) int { return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.At, b.At)) })
	writes := roaring.New()
	for s := range e.subjects.all() {
		if s.entry.access.Op == lineage.Write && s.entry.access.Dataset == (lineage.Dataset{}) {
			writes.Add(uint32(s.id))
		}
	}
	for t, m := range e.sightings {
		if t > end {
			continue
		}
		if of := m.only(writes); of.any() {
			w.sighted = append(w.sighted, tickMarks{t, *of})
		}
	}
	slices.SortFunc(w.sighted, func(a, b tickMarks) int { return cmp.Compare(a.tick, b.tick) })
	return w
}

// only returns the marks of some subjects.
func (m *marks) only(ids *roaring.Bitmap) *marks {
	out := &marks{}
	if m.moved != nil {
		out.moved = roaring.And(m.moved, ids)
	}
	for k, b := range m.seen {
		if b != nil {
			out.seen[k] = roaring.And(b, ids)
		}
	}
	return out
}

// any reports whether anything is marked.
func (m *marks) any() bool {
	some := func(b *roaring.Bitmap) bool { return b != nil && !b.IsEmpty() }
	return some(m.moved) || slices.ContainsFunc(m.seen[:], some)
}

func encodeWords(b *block, words *blockWords) []byte {
	var w writer
	w.uint(uint64(len(words.notes)))
	topic, tick := subjectID(0), b.meta.start
	for _, n := range words.notes {
		if n.topic != topic {
			tick = b.meta.start
		}
		w.uint(uint64(n.topic - topic))
		w.uint(uint64(n.At - tick))
		w.string(n.Text)
		topic, tick = n.topic, n.At
	}
	w.b = append(w.b, encodeMarks(b.meta.start, words.sighted)...)
	return w.b
}

func decodeWords(b *block, content []byte) (*blockWords, int, error) {
	r := reader{b: content}
	words := &blockWords{notes: make([]topicNote, r.count(3))}
	topic, tick := uint64(0), b.meta.start
	for i := range words.notes {
		if step := r.uint(); step > 0 {
			topic, tick = topic+step, b.meta.start
		}
		step := r.tick()
		tick += step
		if topic > math.MaxUint32 || step == 0 || tick > b.meta.end {
			r.fail("what is said of a topic is out of range")
		}
		words.notes[i] = topicNote{subjectID(topic), lineage.Word{At: tick, Text: r.string()}}
		if r.err != nil {
			return nil, 0, r.err
		}
	}
	var cost int
	var err error
	words.sighted, cost, err = decodeMarks(b, r.b)
	return words, cost + 2*len(content), err
}

func (e *engine) blockWords(b *block) (*blockWords, error) {
	return load(e, b, wordsSection, 0, decodeWords)
}
