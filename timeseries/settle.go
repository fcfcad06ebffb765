package timeseries

import (
	"cmp"
	"slices"
	"sort"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// What a topic's writers wrote that no broker counts is settled by a function that the store was handed
// (Options.Settle). The store gathers what was told of a topic and keeps what comes out as series like any others: made
// anew in the open blocks whenever what they rest on changes, whatever order that comes in, and sealed with their
// block. So answers of open and of sealed time are made alike, and the log holds nothing that was derived.

const (
	// settlePatience is for how long what a topic grew by waits for a source that is late.
	settlePatience = 30 * time.Second
	// settleSilent is after how long without a word a source is taken to be switched off.
	settleSilent = 15 * time.Minute
)

// topicName is all incarnations of a topic; without a name all topics of a cluster.
type topicName struct {
	cluster lineage.ClusterID
	name    string
}

// ledger is what is settled of one topic incarnation.
type ledger struct {
	topic  lineage.Topic
	told   []*series      // of the incarnation
	claims bool           // somebody claims to have written to it, or is linked
	notes  []lineage.Word // on the topic itself, of open blocks, by tick
	dirty  int64          // what lies after it is to be settled; never: nothing
	open   int64          // the first tick that waits for a late source; 0: none
	out    map[*series]*words
}

// words are what was said of a derived series: the newest of sealed blocks, and those of open ones, which may change.
type words struct {
	sealed lineage.Word
	open   []lineage.Word
	round  uint64 // the settling that last derived the series
}

// ledgers are all of a store. They are guarded by engine.mu.
type ledgers struct {
	of      map[lineage.Topic]*ledger
	named   map[topicName][]*ledger // those of a cluster under no name
	shared  map[topicName][]*series // what is told of a name
	tellers map[uint16]map[topicName]bool
	dirty   []*ledger
	waiting map[*ledger]bool
	stirred bool // a source has looked for which something may wait
	// tracks and lookers are of sources, while ledgers are settled.
	tracks  map[uint16]*track
	lookers map[uint16]lineage.Looker
	round   uint64 // counts settlings
	// What a ledger is gathered in, one after another.
	gathered lineage.Ledger
	readings []lineage.Reading
	by       []uint16
}

func newLedgers() *ledgers {
	return &ledgers{
		of: map[lineage.Topic]*ledger{}, named: map[topicName][]*ledger{}, shared: map[topicName][]*series{},
		tellers: map[uint16]map[topicName]bool{}, waiting: map[*ledger]bool{},
	}
}

// mark notes that what lies after a tick is to be settled.
func (l *ledgers) mark(x *ledger, after int64) {
	if x.dirty == never {
		l.dirty = append(l.dirty, x)
	}
	x.dirty = min(x.dirty, after)
}

// settles reports whether series are derived at all.
func (e *engine) settles() bool { return e.settle != nil }

// enter files a series that is new in memory. It needs mu for writing.
func (l *ledgers) enter(s *series) {
	a := &s.subject.entry.access
	key := s.key
	switch {
	case a.Op == lineage.Read || a.Dataset != (lineage.Dataset{}):
		return
	case key.Metric.Settles():
	case key.Metric == lineage.Records && a.Op == lineage.Write, key.Metric == lineage.Pending && a.Op == lineage.OpNone:
	default:
		return
	}
	if key.Metric == lineage.Runs {
		name := topicName{a.Topic.Cluster, a.Topic.Name}
		l.shared[name] = append(l.shared[name], s)
		return
	}
	x := l.of[a.Topic]
	if x == nil {
		x = &ledger{topic: a.Topic, dirty: never, out: map[*series]*words{}}
		l.of[a.Topic] = x
		for _, name := range [...]topicName{{a.Topic.Cluster, a.Topic.Name}, {a.Topic.Cluster, ""}} {
			l.named[name] = append(l.named[name], x)
		}
	}
	x.told = append(x.told, s)
	if x.claims = x.claims || key.Metric == lineage.Claimed || key.Metric == lineage.Linked; x.claims {
		l.mark(x, 0)
	}
}

// stir notes that a sample was added.
func (l *ledgers) stir(s *series, x sample) {
	a := &s.subject.entry.access
	y := l.of[a.Topic]
	switch {
	case s.key.Metric == lineage.Runs:
		name := topicName{a.Topic.Cluster, a.Topic.Name}
		for _, y := range l.named[name] {
			l.mark(y, x.tick-1)
		}
		if l.tellers[x.src] == nil {
			l.tellers[x.src] = map[topicName]bool{}
		}
		l.tellers[x.src][name] = true
	case y == nil:
	case s.key.Metric == lineage.Linked, s.key.Metric == lineage.Claimed:
		l.mark(y, 0)
	case s.key.Metric.Settles(), s.key.Metric == lineage.Pending && a.Op == lineage.OpNone:
		l.mark(y, x.tick-int64(x.span))
		l.stirred = true
	}
}

// note takes what is said of a topic itself. Of two in one round the lesser stands, whichever comes first.
func (l *ledgers) note(a *lineage.Access, at int64, text string) {
	x := l.of[a.Topic]
	if x == nil || a.Op != lineage.OpNone || text == "" {
		return
	}
	i, there := slices.BinarySearchFunc(x.notes, at, func(n lineage.Word, at int64) int { return cmp.Compare(n.At, at) })
	switch {
	case !there:
		x.notes = slices.Insert(x.notes, i, lineage.Word{At: at, Text: text})
	case text < x.notes[i].Text:
		x.notes[i].Text = text
	}
	l.mark(x, at-1)
}

// look notes that a source looked: what it tells of movers is seen to hold, or not, in its round.
func (l *ledgers) look(r *record) {
	names := l.tellers[r.src.id]
	if names == nil {
		return
	}
	l.stirred = true
	for name := range names {
		if name.name == "" && !slices.ContainsFunc(l.shared[name], func(s *series) bool { return s.at(r.round.tick) != 0 }) {
			continue
		}
		for _, y := range l.named[name] {
			l.mark(y, r.round.start())
		}
	}
}

// at returns a gauge as it was last told up to a tick.
func (s *series) at(tick int64) int64 {
	if i := sort.Search(len(s.head), func(i int) bool { return s.head[i].tick > tick }); i > 0 {
		return s.head[i-1].value
	}
	return s.base // 0 for a series without sealed samples
}

// settleAll settles what changed. It needs the commit lock and mu for writing.
func (e *engine) settleAll() {
	l := e.ledgers
	if l.stirred {
		for x := range l.waiting {
			l.mark(x, x.open-1)
		}
	}
	l.stirred = false
	e.settleDirty(0)
}

// decide settles what waits for a late source up to a tick, which is to be sealed: it waits no more. It needs the
// commit lock.
func (e *engine) decide(until int64) {
	if !e.settles() {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for x := range e.ledgers.waiting {
		if x.open <= until {
			e.ledgers.mark(x, x.open-1)
		}
	}
	e.settleDirty(until)
	if e.touched != never { // the block may not come to be written
		e.publish()
	}
}

func (e *engine) settleDirty(decided int64) {
	l := e.ledgers
	l.tracks, l.lookers = map[uint16]*track{}, map[uint16]lineage.Looker{}
	for _, x := range l.dirty {
		e.settleOne(x, decided)
		if delete(l.waiting, x); x.open > 0 {
			l.waiting[x] = true
		}
	}
	clear(l.dirty)
	l.dirty, l.tracks, l.lookers = l.dirty[:0], nil, nil
}

// settleOne settles one topic, from the tick after which anything changed.
func (e *engine) settleOne(x *ledger, decided int64) {
	floor := max(e.sealed, e.refuse)
	if x.open > 0 { // what waits is settled with whatever comes later
		x.dirty = min(x.dirty, x.open-1)
	}
	after := max(e.settleFrom(x, max(x.dirty, floor)), floor)
	if x.claims {
		after = floor
	}
	x.dirty = never
	if !x.hasAfter(after) {
		return
	}
	l, by := e.ledger(x, after)
	l.Decided = decided
	settled, open := e.settle(l)
	x.open = open
	e.keep(x, after, settled, by)
}

// hasAfter reports whether anything was told that grows, or derived, after a tick.
func (x *ledger) hasAfter(after int64) bool {
	later := func(s *series) bool { n := len(s.head); return n > 0 && s.head[n-1].tick > after }
	for s := range x.out {
		if later(s) {
			return true
		}
	}
	return slices.ContainsFunc(x.told, func(s *series) bool { return later(s) && s.key.Metric != lineage.Records })
}

// settleFrom returns where settling begins so that it goes over no step.
func (e *engine) settleFrom(x *ledger, after int64) int64 {
	for again := true; again; {
		again = false
		for _, s := range x.told {
			if s.key.Metric != lineage.Left && s.key.Metric != lineage.Mixed {
				continue
			}
			for _, y := range slices.Backward(s.head) {
				if y.tick <= after {
					break
				}
				if from := y.tick - int64(y.span); from < after && from >= e.block(rawTier, y.tick) {
					after, again = from, true
				}
			}
		}
	}
	return after
}

// ledger gathers what was told of a topic after a tick. by are the numbers of its lookers. Both hold until the next is
// gathered.
func (e *engine) ledger(x *ledger, after int64) (l *lineage.Ledger, by []uint16) {
	all := e.ledgers
	l, by = &all.gathered, all.by[:0]
	*l = lineage.Ledger{
		Topic: x.topic, After: after, Patience: max(int64(settlePatience/e.step), 3), Silent: max(int64(settleSilent/e.step), 3),
		Told: l.Told[:0], Lookers: l.Lookers[:0],
	}
	all.readings = all.readings[:0]
	l.Notes = x.notes[sort.Search(len(x.notes), func(i int) bool { return x.notes[i].At > after }):]
	for _, list := range [...][]*series{
		x.told, all.shared[topicName{x.topic.Cluster, x.topic.Name}], all.shared[topicName{x.topic.Cluster, ""}],
	} {
		for _, s := range list {
			src := s.source(e.sources)
			if src == nil || s.key.Metric == lineage.Records && !x.claims || x.out[s] != nil {
				continue
			}
			i := slices.Index(by, src.id)
			if i < 0 {
				i = len(by)
				by = append(by, src.id)
				l.Lookers = append(l.Lookers, e.looker(src))
			}
			l.Told = append(l.Told, e.toldAfter(s, after, i))
		}
	}
	all.by = by
	return l, by
}

func (e *engine) toldAfter(s *series, after int64, by int) lineage.Told {
	t := lineage.Told{Access: s.subject.entry.access, Metric: s.key.Metric, Evidence: s.key.Evidence, By: by}
	counter := s.key.Metric.Counter()
	if !counter {
		t.Level = s.at(after)
	}
	if s.key.Metric == lineage.Records { // that it exists says all
		return t
	}
	first, begin := sort.Search(len(s.head), func(i int) bool { return s.head[i].tick > after }), len(e.ledgers.readings)
	for i, y := range s.head[first:] {
		r := lineage.Reading{From: y.tick - int64(y.span), To: y.tick, Value: y.value, Estimated: y.estimated}
		if counter {
			p := probe{base: s.base, head: s.head}
			r.Value = advance(p.prior(first+i), y.value)
			// What lies in a block before may be sealed already.
			if border := e.block(rawTier, y.tick); r.From < border {
				r.Beyond = true
				if s.key.Metric == lineage.Claimed { // its part of this block, taken to be even
					r.Value = r.Value * (r.To - border) / (r.To - r.From)
					r.From, r.Estimated = border, true
				}
			}
		}
		e.ledgers.readings = append(e.ledgers.readings, r)
	}
	t.Readings = slices.Clip(e.ledgers.readings[begin:])
	return t
}

func (e *engine) looker(src *source) lineage.Looker {
	if l, ok := e.ledgers.lookers[src.id]; ok {
		return l
	}
	l := lineage.Looker{
		Source: src.name, Newest: src.newest.tick,
		Last: func(tick int64) int64 {
			if i := sort.Search(len(src.head), func(i int) bool { return src.head[i].tick > tick }); i > 0 {
				return src.head[i-1].tick
			}
			if src.before.tick <= tick {
				return src.before.tick
			}
			return 0
		},
		Saw: func(a *lineage.Access, from, to int64) bool {
			t := e.ledgers.tracks[src.id]
			if t == nil {
				t = newTrack(e.clock, e.sealed, src.newest.tick, src.before, src.head, src.newest)
				e.ledgers.tracks[src.id] = t
			}
			return t.runs(a).within(from, to) == to-from
		},
	}
	e.ledgers.lookers[src.id] = l
	return l
}

// keep puts what was settled in the place of what lay after a tick.
func (e *engine) keep(x *ledger, after int64, settled []lineage.Settled, by []uint16) {
	e.ledgers.round++
	for _, records := range [...]bool{true, false} { // of whom nothing is counted nothing is pending
		for i := range settled {
			if y := &settled[i]; (y.Metric == lineage.Records) == records {
				if s := e.keepSeries(x, after, y, e.sources[by[y.By]]); s != nil {
					x.out[s].round = e.ledgers.round
				}
			}
		}
	}
	for s, w := range x.out {
		if w.round != e.ledgers.round {
			e.renew(s, after, nil)
			x.say(s, after, nil)
		}
	}
	for s := range x.out {
		if !s.any() { // it turned out to be another's
			s.subject.series = slices.DeleteFunc(slices.Clone(s.subject.series), func(y *series) bool { return y == s })
			delete(x.out, s)
			e.touch(s.subject.first - 1)
		}
	}
}

// keepSeries keeps one derived series; nil: there is nothing to keep, since nothing was ever counted.
func (e *engine) keepSeries(x *ledger, after int64, y *lineage.Settled, src *source) *series {
	ent := e.entries.of(&y.Access)
	var s *series
	if ent != nil && ent.subject != nil {
		s = ent.subject.find(y.Metric, y.Evidence)
	}
	last := int64(0)
	if s != nil {
		last = s.at(after)
	}
	var samples []sample
	for _, r := range y.Readings {
		value := last + r.Value
		if !y.Metric.Counter() {
			value = r.Value
		}
		if value == last && (!y.Metric.Counter() || value == 0) {
			continue
		}
		last = value
		span := min(max(r.To-r.From, 1), maxSpanTicks)
		samples = append(samples, sample{value: value, tick: r.To, span: int32(span), estimated: r.Estimated, src: src.id})
	}
	switch {
	case s != nil:
	case len(samples) == 0:
		return nil
	case !y.Metric.Counter() && (ent == nil || ent.subject == nil || !slices.ContainsFunc(ent.subject.series, func(s *series) bool { return x.out[s] != nil && s.any() })):
		return nil
	default:
		s = e.newDerived(y, samples[0].tick)
	}
	if x.out[s] == nil {
		x.out[s] = &words{}
	}
	was := s.source(e.sources)
	e.renew(s, after, samples)
	if now := s.source(e.sources); was != nil && was != now {
		e.touch(0) // the newest source speaks for times in which no other wrote
	}
	if len(samples) > 0 {
		e.subject(s.subject.entry, samples[len(samples)-1].tick)
		if y.Evidence != lineage.NoEvidence {
			s.subject.support(y.Evidence).saw(src, samples[len(samples)-1].tick)
		}
	}
	x.say(s, after, y.Words)
	return s
}

// newDerived makes a series.
func (e *engine) newDerived(y *lineage.Settled, tick int64) *series {
	ent := e.entries.of(&y.Access)
	if ent == nil {
		ent = &entry{access: y.Access}
		e.entries.put(ent)
	}
	sub := e.subject(ent, tick)
	s := &series{key: seriesKey{Subject: sub.id, Metric: y.Metric, Evidence: y.Evidence}, subject: sub}
	sub.addSeries(s)
	e.listSeries(s)
	e.touch(sub.first - 1) // a subject that was there has one more
	return s
}

// any reports whether a series ever had a sample.
func (s *series) any() bool { return s.sealed || len(s.head) > 0 }

// renew puts samples in the place of those after a tick.
func (e *engine) renew(s *series, after int64, samples []sample) {
	n := sort.Search(len(s.head), func(i int) bool { return s.head[i].tick > after })
	for n < len(s.head) && len(samples) > 0 && s.head[n] == samples[0] {
		n, samples = n+1, samples[1:]
	}
	for _, x := range [...][]sample{s.head[n:], samples} {
		if len(x) > 0 {
			e.touch(x[0].tick - int64(x[0].span))
		}
	}
	s.splice(n, len(s.head), samples...)
}

// say keeps what is said of a derived series from a tick on. The newest stands as its evidence's detail.
func (x *ledger) say(s *series, after int64, said []lineage.Word) {
	w := x.out[s]
	if s.key.Evidence == lineage.NoEvidence || !s.any() {
		return
	}
	p := s.subject.support(s.key.Evidence)
	switch {
	case p.said == nil: // as it was saved
		w.sealed = lineage.Word{At: p.detailTick, Text: p.detail}
	case p.said != w: // there was nothing of it for a while
		w.sealed = p.said.sealed
	}
	p.said = w
	w.open = w.open[:sort.Search(len(w.open), func(i int) bool { return w.open[i].At > after })]
	for _, y := range said {
		if y.Text != w.newest().Text {
			w.open = append(w.open, y)
		}
	}
	p.detail, p.detailTick = w.newest().Text, w.newest().At
}

// forgetSealed drops what open blocks need no more. It needs mu for writing.
func (l *ledgers) forgetSealed(sealed int64) {
	for _, x := range l.of {
		if n := sort.Search(len(x.notes), func(i int) bool { return x.notes[i].At > sealed }); n > 0 {
			x.notes = slices.Clone(x.notes[n:])
		}
		for _, w := range x.out {
			if n := sort.Search(len(w.open), func(i int) bool { return w.open[i].At > sealed }); n > 0 {
				w.sealed, w.open = w.open[n-1], slices.Clone(w.open[n:])
			}
		}
	}
}

func (w *words) newest() lineage.Word {
	if n := len(w.open); n > 0 {
		return w.open[n-1]
	}
	return w.sealed
}

// index files all series that are in memory: after loading, and when some are gone. It needs mu for writing.
func (e *engine) index() {
	if !e.settles() {
		return
	}
	old := e.ledgers
	e.ledgers = newLedgers()
	for _, x := range e.subjects {
		if x == nil {
			continue
		}
		for _, s := range x.series {
			e.ledgers.enter(s)
			if s.key.Metric == lineage.Runs {
				if src := s.source(e.sources); src != nil {
					name := topicName{x.entry.access.Topic.Cluster, x.entry.access.Topic.Name}
					if e.ledgers.tellers[src.id] == nil {
						e.ledgers.tellers[src.id] = map[topicName]bool{}
					}
					e.ledgers.tellers[src.id][name] = true
				}
			}
		}
	}
	for topic, x := range e.ledgers.of {
		if was := old.of[topic]; was != nil {
			x.open, x.out, x.notes = was.open, was.out, was.notes
			for s := range x.out {
				if e.subjects[s.key.Subject] != s.subject {
					delete(x.out, s)
				}
			}
			if x.open > 0 {
				e.ledgers.waiting[x] = true
			}
		}
	}
}
