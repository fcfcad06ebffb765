package timeseries

import (
	"cmp"
	"slices"
	"sort"

	"github.com/lineaged/lineaged/lineage"
)

// factLine is the versions of one fact by round. What is past and does not change any more is kept as differences: a
// group of 100 members that rebalances costs the members that came and went.
type factLine struct {
	// past ended at the first of versions, at or before the sealed tick. Each says something else than the one before
	// it.
	past []pastFact
	// versions are the newest one that is sealed and those after it, between which a late round may come; never empty.
	versions []factVersion
}

type factVersion struct {
	tick int64
	codedFact
}

// pastFact is a version that something else followed.
type pastFact struct {
	tick int64
	how  byte   // valueGone, valueWhole or valueDiffer
	code string // the body, or what it differs from that of the version before in, gone ones passed over
}

// wholeEvery is after how many versions one is kept whole, so that reading one takes no more differences.
const wholeEvery = 32

// same reports whether two versions of one fact say the same.
func (v *factVersion) same(o *factVersion) bool {
	return v.fact.Gone == o.fact.Gone && v.body == o.body
}

// outranks decides between what two sources say in one round: any fixed choice will do. What is gone outranks what is
// there.
func (v *factVersion) outranks(o *factVersion) bool {
	if v.fact.Gone != o.fact.Gone {
		return v.fact.Gone
	}
	return v.body > o.body
}

func (l *factLine) find(tick int64) (int, bool) {
	return slices.BinarySearchFunc(l.versions, tick, func(v factVersion, t int64) int { return cmp.Compare(v.tick, t) })
}

func (l *factLine) key() lineage.FactKey { return l.versions[0].fact.Key }

// at returns the version that holds at a tick, with the round since which what it says holds, and what was said before
// it; a nil version before the first, and a nil one before the first again.
func (l *factLine) at(tick int64) (v *factVersion, since int64, before *factVersion) {
	if tick < l.versions[0].tick {
		i := sort.Search(len(l.past), func(i int) bool { return l.past[i].tick > tick }) - 1
		if i < 0 {
			return nil, 0, nil
		}
		return l.pastVersion(i), l.past[i].tick, l.pastVersion(i - 1)
	}
	i, found := l.find(tick)
	if !found {
		i--
	}
	v = &l.versions[i]
	for i > 0 && l.versions[i-1].same(v) {
		i--
	}
	v = &l.versions[i] // so that what is told again and again is one fact
	if i > 0 {
		return v, l.versions[i].tick, &l.versions[i-1]
	}
	return v, l.versions[0].tick, l.pastVersion(len(l.past) - 1)
}

// pastVersion returns a version of the past, nil below the first.
func (l *factLine) pastVersion(i int) *factVersion {
	if i < 0 {
		return nil
	}
	var r reader
	v := factVersion{l.past[i].tick, r.codedBody(l.key(), l.pastBody(i))}
	return &v // its body was read before it became past, or when the state was
}

// pastBody returns the body of a version of the past, nil where it is gone.
func (l *factLine) pastBody(i int) []byte {
	if l.past[i].how == valueGone {
		return nil
	}
	return l.bodyAt(i)
}

// bodyAt returns the newest body in the past at or before i; nil where there is none.
func (l *factLine) bodyAt(i int) []byte {
	from := i
	for from >= 0 && l.past[from].how != valueWhole {
		from--
	}
	var body []byte
	for ; from >= 0 && from <= i; from++ {
		switch p := &l.past[from]; p.how {
		case valueWhole:
			body = append([]byte{}, p.code...)
		case valueDiffer:
			body = (&reader{b: []byte(p.code)}).apply(body)
		}
	}
	return body
}

// retire moves what ended at or before the sealed tick into the past, drops repetitions on the way, and what ended at
// or before the floor. It returns false when nothing is left.
func (l *factLine) retire(sealed, floor int64, d *differ) bool {
	if n := len(l.versions); n > 1 {
		kept := l.versions[:0:0]
		for i := range l.versions {
			v := &l.versions[i]
			if v.tick > sealed || len(kept) == 0 || !kept[len(kept)-1].same(v) { // the earlier one says since when
				kept = append(kept, *v)
			}
		}
		for len(kept) > 1 && kept[1].tick <= sealed {
			l.push(&kept[0], d)
			kept = kept[1:]
		}
		l.versions = slices.Clone(kept)
	}
	ended := 0
	for ended < len(l.past) && l.endOf(ended) <= floor {
		ended++
	}
	if ended > 0 {
		rest := slices.Clone(l.past[ended:])
		if len(rest) > 0 && rest[0].how == valueDiffer {
			rest[0].how, rest[0].code = valueWhole, string(l.bodyAt(ended))
		} else if i := slices.IndexFunc(rest, func(p pastFact) bool { return p.how != valueGone }); i > 0 && rest[i].how == valueDiffer {
			rest[i].how, rest[i].code = valueWhole, string(l.bodyAt(ended+i))
		}
		l.past = rest
	}
	return len(l.past) > 0 || len(l.versions) > 1 || !l.versions[0].fact.Gone || l.versions[0].tick > floor
}

// endOf returns when the version after one of the past began.
func (l *factLine) endOf(i int) int64 {
	if i+1 < len(l.past) {
		return l.past[i+1].tick
	}
	return l.versions[0].tick
}

// push puts a version at the end of the past.
func (l *factLine) push(v *factVersion, d *differ) {
	p := pastFact{tick: v.tick, how: valueGone}
	if !v.fact.Gone {
		p.how, p.code = valueWhole, v.body
		whole := len(l.past) - 1
		for whole >= 0 && l.past[whole].how != valueWhole {
			whole--
		}
		if whole >= 0 && len(l.past)-whole < wholeEvery {
			var w writer
			base, next := l.bodyAt(len(l.past)-1), []byte(v.body)
			if d.bounded(base, next) {
				if d.delta(&w, base, next); len(w.b) < len(next) {
					p.how, p.code = valueDiffer, string(w.b)
				}
			}
		}
	}
	l.past = append(l.past, p)
}

// encodeFacts writes each line: its past as it is kept, and its versions as differences too.
func (e *engine) encodeFacts() []byte { return encodeFactLines(e.facts) }

func encodeFactLines(all map[lineage.FactKey]*factLine) []byte {
	var w writer
	var d differ
	w.uint(uint64(len(all)))
	for key, l := range all {
		w.factKey(key)
		w.uint(uint64(len(l.past)))
		tick := int64(0)
		at := func(t int64) {
			w.uint(uint64(t - tick))
			tick = t
		}
		for _, p := range l.past {
			at(p.tick)
			w.byte(p.how)
			if p.how != valueGone {
				w.string(p.code)
			}
		}
		w.uint(uint64(len(l.versions)))
		s := slot{value: l.bodyAt(len(l.past) - 1)}
		for i := range l.versions {
			at(l.versions[i].tick)
			d.grown = 0 // they are read one by one
			s.write(&w, &d, l.versions[i].bytes())
		}
	}
	return w.b
}

func decodeFacts(content []byte) (map[lineage.FactKey]*factLine, error) {
	r := reader{b: content}
	out := map[lineage.FactKey]*factLine{}
	for range r.count(6) {
		key, l := r.factKey(), &factLine{}
		tick := int64(0)
		at := func() int64 {
			n := r.tick()
			if n == 0 {
				r.fail("the versions of a fact are not in order")
			}
			tick += n
			return tick
		}
		var s slot
		for range r.count(2) {
			p := pastFact{tick: at(), how: r.byte()}
			if p.how != valueGone {
				p.code = r.string()
			}
			r.past(key, p, &s)
			if r.err != nil {
				return nil, r.err
			}
			l.past = append(l.past, p)
		}
		for range r.count(2) {
			v := factVersion{tick: at()}
			r.grown = 0
			v.codedFact = r.codedBody(key, s.read(&r))
			if r.err != nil {
				return nil, r.err
			}
			l.versions = append(l.versions, v)
		}
		if len(l.versions) == 0 || out[key] != nil {
			r.fail("a fact has no version, or occurs twice")
		}
		out[key] = l
	}
	return out, r.end()
}

// past checks that a version of the past can be read; body is the slot of the one before.
func (r *reader) past(key lineage.FactKey, p pastFact, body *slot) {
	switch p.how {
	case valueGone:
		return // what comes next may differ from what was before
	case valueWhole:
		body.value = append([]byte{}, p.code...)
	case valueDiffer:
		x := reader{b: []byte(p.code)}
		if body.value = x.apply(body.value); x.end() != nil {
			r.fail("a version of a fact: " + x.err.Error())
		}
	default:
		r.fail("a version of a fact is neither whole, nor a difference, nor gone")
	}
	if r.err == nil {
		r.codedBody(key, body.value)
	}
}
