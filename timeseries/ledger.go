package timeseries

import (
	"cmp"
	"slices"
	"sort"

	"github.com/lineaged/lineaged/lineage"
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
	late   int64          // of what is sealed, what lies after it is to be settled anew; never: nothing
	open   int64          // the first tick that waits for a late source; 0: none
	out    map[*series]*words
}

// ledgers are all of a store. They are guarded by engine.mu.
type ledgers struct {
	of     map[lineage.Topic]*ledger
	named  map[topicName][]*ledger // those of a cluster under no name
	shared map[topicName][]*series // what is told of a name
	links  map[linkedID][]*series  // that are of no topic, by what they link
	// concerned are the topics with claims, by the identities of those who are told of.
	concerned map[linkedID][]*ledger
	tellers   map[uint16]map[topicName]bool
	dirty     []*ledger
	waiting   map[*ledger]bool
	late      map[*ledger]bool // of which sealed time is to be settled anew
	closed    int64            // the newest tick that is sealed or being sealed
	resume    []lateTopic      // as the saved state has it
	known     bool             // what is replayed is of before the saved state, which has what is late of it
	stirred   bool             // a source has looked for which something may wait
	// tracks and lookers are of sources, while ledgers are settled.
	tracks  map[uint16]*track
	lookers map[uint16]lineage.Looker
	round   uint64 // counts settlings
	// What a ledger is gathered in, one after another.
	gathered gathering
	tellings []teller
	heads    heads
}

func newLedgers() *ledgers {
	return &ledgers{
		of: map[lineage.Topic]*ledger{}, named: map[topicName][]*ledger{}, shared: map[topicName][]*series{}, links: map[linkedID][]*series{},
		concerned: map[linkedID][]*ledger{},
		tellers:   map[uint16]map[topicName]bool{}, waiting: map[*ledger]bool{}, late: map[*ledger]bool{},
	}
}

// mark notes that what lies after a tick is to be settled.
func (l *ledgers) mark(x *ledger, after int64) {
	if x.dirty == never {
		l.dirty = append(l.dirty, x)
	}
	x.dirty = min(x.dirty, after)
}

// markLate notes that evidence has come that bears on what lies after a tick, also where that is sealed.
func (l *ledgers) markLate(x *ledger, after int64) {
	l.mark(x, after)
	if after < l.closed {
		l.remark(x, after)
	}
}

// remark notes that what sealed blocks mark may have changed by what follows them. It needs no settling of what is
// open.
func (l *ledgers) remark(x *ledger, after int64) {
	if l.known {
		return
	}
	x.late = min(x.late, max(after, 0))
	l.late[x] = true
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
	case key.Metric.Settles(), s.derived:
	case key.Metric == lineage.Records && a.Op == lineage.Write, key.Metric == lineage.Pending && a.Op == lineage.OpNone:
	default:
		return
	}
	if key.Metric == lineage.Runs {
		name := topicName{a.Topic.Cluster, a.Topic.Name}
		l.shared[name] = append(l.shared[name], s)
		return
	}
	if key.Metric == lineage.Linked && a.Topic.Name == "" {
		for _, id := range linkedIDs(a) {
			l.links[id] = append(l.links[id], s)
		}
		return
	}
	x := l.of[a.Topic]
	if x == nil {
		x = &ledger{topic: a.Topic, dirty: never, late: never, out: map[*series]*words{}}
		l.of[a.Topic] = x
		for _, name := range [...]topicName{{a.Topic.Cluster, a.Topic.Name}, {a.Topic.Cluster, ""}} {
			l.named[name] = append(l.named[name], x)
		}
	}
	if s.ledger = x; s.derived {
		x.out[s] = &words{}
		return
	}
	x.told = append(x.told, s)
	if x.claims {
		l.concern(x, s)
	} else if key.Metric == lineage.Claimed || key.Metric == lineage.Linked {
		l.claim(x)
	}
	if x.claims {
		l.mark(x, 0)
	}
}

// began notes that a series was told for the first time: a client that bears several names links them, and a topic's
// own source speaks for what the headers of its batches told before it as well.
func (l *ledgers) began(s *series) {
	a := &s.subject.entry.access
	if y := s.ledger; y != nil && tellsOfTopic(s) && s.key.Evidence != lineage.BatchHeader && y.onlyHeaders(s) {
		l.markLate(y, 0)
	}
	if y := l.of[a.Topic]; y != nil && y.claims && a.Op == lineage.Write && (s.key.Metric == lineage.Records || s.key.Metric == lineage.Claimed) && severalNames(&a.Client) {
		l.markLate(y, 0)
	}
}

// tellsOfTopic reports whether a series is what a topic grew by that nobody accounts for.
func tellsOfTopic(s *series) bool {
	return s.key.Metric == lineage.Left || s.key.Metric == lineage.Mixed
}

// onlyHeaders reports whether, but for one series, the headers of batches alone told what a topic grew by.
func (x *ledger) onlyHeaders(but *series) (only bool) {
	for _, s := range x.told {
		if s == but || !tellsOfTopic(s) {
			continue
		}
		if s.key.Evidence != lineage.BatchHeader {
			return false
		}
		only = true
	}
	return only
}

// severalNames reports whether a client bears more than one identity by which writers are joined.
func severalNames(c *lineage.Client) bool {
	n := 0
	if _, ok := c.Producer.Value(); ok {
		n++
	}
	for _, name := range [...]string{c.TransactionalID, c.Instance, c.ClientID, c.Group, c.Mover.Name} {
		if name != "" {
			n++
		}
	}
	return n > 1
}

// stir notes that a sample was added. was is how a link stood before.
func (l *ledgers) stir(s *series, x sample, was link) {
	a := &s.subject.entry.access
	y := s.ledger // looked up once for all samples: they are many
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
	case s.key.Metric == lineage.Linked && a.Topic.Name == "":
		if s.link() != was {
			l.markLinked(a)
		}
	case y == nil:
	case s.key.Metric == lineage.Linked:
		if s.link() != was { // it holds for all of the past
			l.markLate(y, 0)
		}
	case s.key.Metric == lineage.Claimed:
		l.markLate(y, x.tick-int64(x.span))
		// The one after it advances by less now.
		if s.head.newest.tick > x.tick {
			next := s.head.after(x.tick, 0)
			next.next()
			l.markLate(y, next.tick-int64(next.span))
		}
	case s.key.Metric == lineage.Records:
		switch {
		case !y.claims:
		case x.tick == s.subject.first: // it counts its writer from then on
			l.mark(y, x.tick-1)
		case s.key.Evidence == lineage.ProducerState: // who it is may be concluded from how it grew
			l.mark(y, x.tick-int64(x.span))
		}
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
	if value, ok := s.head.valueAt(tick); ok {
		return value
	}
	return s.base // 0 for a series without sealed samples
}

// link is a level of Linked, and since when it stands.
type link struct{ level, since int64 }

// link returns how a link stands now; zero for what is no link.
func (s *series) link() (l link) {
	if s.key.Metric == lineage.Linked {
		l.level, l.since = s.stands(never)
	}
	return l
}

// stands returns a gauge as it was last told up to a tick, and the tick since which it stands.
func (s *series) stands(until int64) (level, since int64) {
	level, since = s.base, s.since
	for c := s.head.after(0, s.base); c.next() && c.tick <= until; {
		if c.value != level {
			level, since = c.value, c.tick
		}
	}
	return level, since
}

// forgetSealed drops what open blocks need no more. It needs mu for writing.
func (l *ledgers) forgetSealed(sealed int64) {
	for _, x := range l.of {
		if n := sort.Search(len(x.notes), func(i int) bool { return x.notes[i].At > sealed }); n > 0 {
			x.notes = slices.Clone(x.notes[n:])
		}
		for _, w := range x.out {
			w.seal(sealed)
		}
	}
}

// index files all series that are in memory: after loading, and when some are gone. It needs mu for writing.
func (e *engine) index() {
	if !e.settles() {
		return
	}
	old := e.ledgers
	e.ledgers = newLedgers()
	e.ledgers.closed, e.ledgers.round = max(e.sealed, e.refuse), old.round
	for x := range e.subjects.all() {
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
		was := old.of[topic]
		if was == nil {
			continue
		}
		x.open, x.out, x.notes, x.late = was.open, was.out, was.notes, was.late
		for s := range x.out {
			if e.subjects.of(s.key.Subject) != s.subject {
				delete(x.out, s)
			}
		}
		if x.open > 0 {
			e.ledgers.waiting[x] = true
		}
		if x.late != never {
			e.ledgers.late[x] = true
		}
	}
	for _, y := range old.resume {
		if x := e.ledgers.of[y.topic]; x != nil {
			e.ledgers.markLate(x, y.after)
		}
	}
}

// lateTopic is a topic of which what is sealed after a tick is to be settled anew.
type lateTopic struct {
	topic lineage.Topic
	after int64
}

// encodeLate needs mu.
func (e *engine) encodeLate() []byte {
	var w writer
	all := slices.Clone(e.ledgers.resume) // of a store that settles nothing: for one that does
	for x := range e.ledgers.late {
		all = append(all, lateTopic{x.topic, x.late})
	}
	w.uint(uint64(len(all)))
	for _, x := range all {
		w.topic(x.topic)
		w.uint(uint64(x.after))
	}
	return w.b
}

func decodeLate(content []byte) (out []lateTopic, err error) {
	r := reader{b: content}
	for range r.count(4) {
		out = append(out, lateTopic{r.topic(), r.tick()})
	}
	return out, r.end()
}
