package timeseries

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// engine is the store: everything but where bytes go. Both implementations of Store are an engine with a journal and a
// vault of their own.
//
// Lock order: maintain, commit, mu, queue. A query takes mu for reading while it takes hold of what the head has for
// it, and reads sealed blocks after that.
type engine struct {
	clock
	retention Retention
	silentFor time.Duration // after which a subject is put away
	crowd     int           // see leaving
	recent    int           // see recentSums
	dry       bool          // nothing can be written
	log       *slog.Logger
	journal   journal
	vault     vault
	cache     *cache
	codec     *codec
	settle    func(*lineage.Ledger) ([]lineage.Settled, int64)

	maintain sync.Mutex // one Maintain at a time

	queue   sync.Mutex // guards waiting
	waiting []*commit

	commit sync.Mutex // guards refuse, and the order of the journal, which is the order of applying
	// refuse is the newest tick that is sealed or being sealed.
	refuse int64
	rooms  rooms // guarded by commit

	mu      sync.RWMutex // guards all that follows, and what it points to
	closed  bool
	readers sync.WaitGroup // queries under way
	// What names things is written under commit and mu both, so that either is enough to read: sources by id and name,
	// and every access that an observation named.
	sources  []*source
	byName   map[lineage.Source]*source
	entries  entries
	subjects subjects // that are in memory
	// sealed is the end of the raw blocks; what is later is in the head.
	sealed    int64
	tiers     [tiers]tier
	sightings map[int64]*marks // sightings of open blocks by tick
	events    []dated          // of open blocks, see sortEvents
	misses    map[string]*missing
	facts     map[lineage.FactKey]*factLine
	factOrder factOrder
	positions map[lineage.Source]map[string]position
	smalls    map[store.RecordKind][][]byte // small records by version less one
	latest    map[string]int64
	ledgers   *ledgers
	replaying bool       // settled is at the end, since that does not depend on what came when
	lost      []lostSpan // replaced, never changed in place
	// unwritten is what of lost the log does not hold yet; unwrittenReset, that the positions before are of no use.
	unwritten       []lostSpan
	unwrittenReset  bool
	unwrittenUnsure []unsure
	// unsure are those whose totals are lost; unreadable the files of whom nobody can tell it.
	unsure     []unsure
	unreadable []int64
	doomed     []*block // dropped, and still named by the saved state
	deadDoomed []*deadFile
	buriable   []*block // not named by it any more: to be deleted by the next Maintain
	// topics and links are the subjects that every window lists: topics by id, and those that bear several identities
	// (see linked). Their slices are replaced or appended to, never changed in place.
	topics, links []*subject
	told          map[string]bool // the clusters that facts ever told of
	dead          []*deadFile     // subjects that were put away, by number; the slice is replaced when one goes
	rosters       []*roster       // the largest first; replaced, never changed in place
	asked         *askedRosters   // what they say of the newcomers of the commit that is resolved; guarded by commit
	rosterNumber  int64           // of the newest
	layout        uint64          // grows when blocks come or go
	reach         atomic.Int64    // see headReach
	// touched is the tick after which the answers change with the next version; never: none do.
	touched int64
	version store.Version

	// Of the window that was answered last, whose columns and facts the next one shares as far as they are the same.
	laid atomic.Pointer[layout]
	said atomic.Pointer[[]lineage.DatedFact]

	looked atomic.Pointer[looked]

	now   atomic.Pointer[store.State]
	shut  atomic.Bool // as closed
	watch *watch

	// dirty is set when something is to be saved though no block was sealed.
	dirty  atomic.Bool
	health health
	broken bool // damage was found at opening, so what is not known is not taken for a crash's leftovers

	// What follows belongs to Maintain. persistent is set when there is a state to save, unsaved while saving it is
	// still to be done.
	persistent, unsaved bool
	generation          uint64
	trust               trust
	unverified          []*block // whose files were not read wholly since the store was opened
	unverifiedDead      []*deadFile
	crowdAt             int64 // the end of the sealed blocks when who crowds memory was counted last
}

// tier is one resolution of sealed blocks. All its blocks are disjoint and sorted; the slice is replaced, never changed
// in place.
type tier struct {
	blocks []*block
	sealed int64 // end of the newest block; 0 when there never was one
	floor  int64 // what starts before it was dropped
}

type position struct {
	tick  int64
	value []byte // nil: removed
}

// marks is which subjects moved and were seen in a tick. nil bitmaps are empty.
type marks struct {
	moved *roaring.Bitmap
	seen  [maxEvidence]*roaring.Bitmap
}

func newEngine(o Options, j journal, v vault) *engine {
	c := newClock(o.Tick)
	e := &engine{
		clock: c, retention: o.Retention, silentFor: o.silentFor, crowd: o.crowd, recent: o.recent, dry: o.dry, log: o.Log, journal: j, vault: v, cache: newCache(cacheBytes), codec: newCodec(),
		entries: newEntries(), byName: map[lineage.Source]*source{},
		subjects:  newSubjects(1), // no subject has the id 0
		sightings: map[int64]*marks{}, misses: map[string]*missing{}, facts: map[lineage.FactKey]*factLine{},
		positions: map[lineage.Source]map[string]position{}, latest: map[string]int64{}, smalls: map[store.RecordKind][][]byte{},
		told: map[string]bool{}, watch: newWatch(), trust: trust{spent: o.Spent},
		settle: o.Settle, ledgers: newLedgers(),
	}
	e.publish() // touches all
	return e
}

// journal makes records durable before they are applied. The memory store has none.
type journal interface {
	// room returns ErrNoSpace while the file system is too full to write.
	room() error
	// write makes a group of records durable, all or none. The order of calls is the order of replay.
	write(group []*commit) error
	// rotate starts a new segment and returns its number.
	rotate() (segment uint64, err error)
	// live returns the segments before one that hold rounds after a tick.
	live(before uint64, tick int64) []uint64
	// saved says that a generation of the state holds all up to a tick of the segments before one: those that live does
	// not return are removed.
	saved(generation, before uint64, tick int64) error
	size() int64
	free() int64 // bytes of the file system; -1: not known
	close() error
}

// commit is one call of Append or PutRecord on its way to the journal.
type commit struct {
	obs     []lineage.Observation
	records []*record
	kind    store.RecordKind
	small   []byte // the record of PutRecord; nil: it is held already
	version int
	like    *commit    // holds an equal record, and is not durable yet
	lost    []lostSpan // why rounds are not held
	reset   bool       // the positions so far are of no use
	unsure  []unsure   // whose totals are lost
	healed  bool       // read from the log: what it says of losses is all that there is to say up to here
	err     error
	done    bool
}

// record is an observation whose accesses and source are resolved.
type record struct {
	src       *source
	round     round
	samples   []recordSample
	sightings []recordSighting
	facts     []codedFact
	events    []lineage.Event
	missing   []lineage.Missing
	positions []lineage.Position

	dated []dated // the events, sorted; set by prepare
	added bool    // it is visible, and not another of the same round; set by applyRecord
}

// recordSample has its largest fields first, so that it takes no more room than they do.
type recordSample struct {
	entry     *entry
	series    *series // where who read it from the log knows it
	value     int64
	span      int32
	metric    lineage.Metric
	evidence  lineage.EvidenceKind
	estimated bool
}

type recordSighting struct {
	entry    *entry
	evidence lineage.EvidenceKind
	moved    bool
	detail   string
}

// Append implements Store. Calls that wait for the disk at the same time share one fsync.
func (e *engine) Append(ctx context.Context, obs ...lineage.Observation) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for i := range obs {
		if err := e.check(&obs[i]); err != nil {
			return fmt.Errorf("append observation of %s at %s: %w", obs[i].Source, obs[i].Round.Format(time.RFC3339), err)
		}
	}
	c := &commit{obs: obs}
	e.submit(c)
	return c.err
}

// submit puts c into the queue and leads the queue through the journal unless another did meanwhile.
func (e *engine) submit(c *commit) {
	e.queue.Lock()
	e.waiting = append(e.waiting, c)
	e.queue.Unlock()
	e.commit.Lock()
	defer e.commit.Unlock()
	if c.done {
		return
	}
	e.queue.Lock()
	group := e.waiting
	e.waiting = nil
	e.queue.Unlock()
	e.commitGroup(group)
}

// commitGroup needs the commit lock.
func (e *engine) commitGroup(group []*commit) {
	err := e.room()
	var writes []*commit
	for _, c := range group {
		c.done = true
		if c.err = err; err != nil {
			continue
		}
		if c.obs != nil {
			c.err = e.resolve(c)
		} else {
			e.number(c, writes)
		}
		if c.err == nil && (len(c.records) > 0 || c.small != nil) {
			writes = append(writes, c)
		}
	}
	if err != nil {
		e.refused(group, err)
	}
	if len(writes) == 0 {
		return
	}
	said := e.unsaid()
	if said != nil {
		writes = append([]*commit{said}, writes...)
	}
	if err := e.journal.write(writes); err != nil {
		for _, c := range writes {
			c.err = err
		}
		for _, c := range group {
			if c.like != nil {
				c.err = err
			}
		}
		e.refused(writes, err)
		return
	}
	for _, c := range writes {
		c.prepare()
	}
	e.trouble(storing, nil)
	e.mu.Lock()
	defer e.mu.Unlock()
	if said != nil { // it is in effect already
		e.unwritten, e.unwrittenReset, e.unwrittenUnsure = nil, false, nil
		writes = writes[1:]
	}
	for _, c := range writes {
		e.apply(c)
	}
	e.publish()
	e.watch.tell(e.roundsOf(writes))
	for _, c := range writes {
		for _, r := range c.records {
			e.rooms.give(r.samples)
			r.samples = nil
		}
	}
}

// roundsOf returns the rounds of commits, as visible from the version of now on. It needs mu.
func (e *engine) roundsOf(all []*commit) []store.Round {
	var out []store.Round
	for _, c := range all {
		for _, r := range c.records {
			if !r.added { // it came twice at once
				continue
			}
			out = append(out, store.Round{Source: r.src.name, At: e.at(r.round.tick), Version: e.version})
		}
	}
	return out
}

// unsaid is what the log does not say yet of rounds that were lost; nil when there is nothing.
func (e *engine) unsaid() *commit {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if len(e.unwritten) == 0 && !e.unwrittenReset && len(e.unwrittenUnsure) == 0 {
		return nil
	}
	return &commit{lost: e.unwritten, reset: e.unwrittenReset, unsure: e.unwrittenUnsure, done: true}
}

func (e *engine) room() error {
	e.mu.RLock()
	closed := e.closed
	e.mu.RUnlock()
	if closed {
		return ErrClosed
	}
	return e.journal.room()
}

func (c *commit) prepare() {
	for _, r := range c.records {
		r.prepare()
	}
}

// apply needs the commit lock, and mu for writing. The commit is prepared.
func (e *engine) apply(c *commit) {
	for _, x := range c.lost {
		e.lose(x)
	}
	if c.reset {
		clear(e.positions)
	}
	for _, x := range c.unsure {
		e.doubt(x)
	}
	for _, r := range c.records {
		e.applyRecord(r)
	}
	if c.small != nil && c.version == len(e.smalls[c.kind])+1 {
		e.smalls[c.kind] = append(e.smalls[c.kind], c.small)
	}
	if e.settles() && !e.replaying {
		e.settleAll()
	}
}

// resolve turns observations that are not held yet into records. It needs the commit lock.
func (e *engine) resolve(c *commit) error {
	news := 0
	for i := range c.obs {
		news += len(c.obs[i].Samples) + len(c.obs[i].Sightings)
	}
	if uint64(e.subjects.next)+uint64(news) > math.MaxUint32 {
		return errNoNumbers
	}
	var newcomers []newcomer
	for i := range c.obs {
		o := &c.obs[i]
		t := e.floor(o.Round)
		held, err := e.holds(o.Source, t)
		if err != nil {
			return fmt.Errorf("look up round %s of %s: %w", o.Round.Format(time.RFC3339), o.Source, err)
		}
		if held {
			continue
		}
		if t <= e.refuse {
			c.records = nil
			return fmt.Errorf("append observation of %s at %s: %w", o.Source, o.Round.Format(time.RFC3339), ErrTooOld)
		}
		c.records = append(c.records, e.record(o, t, &newcomers))
	}
	e.welcome(newcomers)
	c.obs = nil
	return nil
}

// holds reports whether the round of a source is held, in the head or in a sealed block.
func (e *engine) holds(name lineage.Source, tick int64) (bool, error) {
	e.mu.RLock()
	src := e.byName[name]
	if src == nil {
		e.mu.RUnlock()
		return false, nil
	}
	head, sealed := src.head, e.sealed
	e.mu.RUnlock()
	if tick > sealed {
		_, held := findRound(head, tick)
		return held, nil
	}
	return e.holdsSealed(src, tick)
}

func findRound(rounds []round, tick int64) (int, bool) {
	return slices.BinarySearchFunc(rounds, tick, func(r round, t int64) int { return int(min(max(r.tick-t, -1), 1)) })
}

// maxSpanTicks bounds intervals and spans, so that they fit into 31 bits.
const maxSpanTicks = 1<<31 - 1

// record makes a record of an observation, which lacks the entries of those that memory does not know: they are added
// to newcomers, see welcome. It needs the commit lock.
func (e *engine) record(o *lineage.Observation, tick int64, newcomers *[]newcomer) *record {
	r := &record{
		src:    e.intern(o.Source),
		round:  round{anchor: anchor{tick: tick, offset: o.At.Sub(o.Round).Nanoseconds()}, span: int32(o.Interval / e.step)},
		events: o.Events, missing: o.Missing,
	}
	for _, p := range o.Positions { // copies of our own: the log's next difference is from them
		r.positions = append(r.positions, lineage.Position{Key: p.Key, Value: slices.Clone(p.Value)})
	}
	if o.At.IsZero() || slices.ContainsFunc(o.Missing, func(m lineage.Missing) bool { return m.All }) {
		r.round.offset = 0 // nothing was read: that it was said late is no reading
	}
	var w writer
	r.facts = slices.Grow(r.facts, len(o.Facts))
	for _, f := range o.Facts {
		r.facts = append(r.facts, newCodedFact(&w, f))
	}
	var last *entry
	find := func(a *lineage.Access, into **entry) { // what one access is told of mostly comes in a row
		if last == nil || !last.is(a) {
			if last = e.entries.after(last, a); last == nil {
				last = e.entries.of(a)
			}
			if last == nil && len(e.rosters) == 0 { // nothing is gained by waiting for others
				last = e.entry(a)
			}
		}
		if *into = last; last == nil {
			*newcomers = append(*newcomers, newcomer{a, into})
		}
	}
	r.samples = e.rooms.take(len(o.Samples))
	for i := range o.Samples {
		s := &o.Samples[i]
		span := int64(r.round.span)
		if !s.Since.IsZero() {
			span = min(max(tick-e.floor(s.Since), 1), maxSpanTicks)
		}
		r.samples[i] = recordSample{
			metric: s.Metric, evidence: s.Evidence, value: s.Value, span: int32(span), estimated: s.Estimated,
		}
		find(&s.Subject, &r.samples[i].entry)
	}
	r.sightings = make([]recordSighting, len(o.Sightings))
	for i := range o.Sightings {
		s := &o.Sightings[i]
		r.sightings[i] = recordSighting{evidence: s.Evidence, moved: s.Moved, detail: s.Detail}
		find(&s.Access, &r.sightings[i].entry)
	}
	return r
}

// intern returns the one source of a name. It needs the commit lock, and not mu.
func (e *engine) intern(name lineage.Source) *source {
	if s := e.byName[name]; s != nil { // written under commit, which we hold
		return s
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	s := &source{id: uint16(len(e.sources)), name: name}
	if len(e.sources) > 1<<16-1 {
		panic("timeseries: more than 65536 sources")
	}
	e.sources = append(e.sources, s)
	e.byName[name] = s
	return s
}
