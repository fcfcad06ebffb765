package mirror

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/copybook"
	"github.com/lineaged/lineaged/internal/mm2"
	"github.com/lineaged/lineaged/internal/rhythm"
	"github.com/lineaged/lineaged/lineage"
)

// How many records of a topic are read at first, of all its partitions together, so that it takes a few rounds at most. Configurations are read whole. Of the others the newest of each key is what counts, and all keys of a
// replication that runs are written again and again: a heartbeat each second, an offset of each partition that moved each minute. The logs themselves may hold a week of them before they are compacted.
const (
	heartbeatDepth  = 1_000
	checkpointDepth = 20_000
	recordDepth     = 100_000
)

// source is the state between the rounds of one cluster. One goroutine at a time.
type source struct {
	cfg     Config
	tail    *tail
	words   *words
	caught  map[string]bool        // topics that were read to their end once
	fresh   map[string]bool        // topics that were read to their end in the newest round
	foreign map[string]bool        // topics that only look like MirrorMaker 2's, while they are there
	syncing map[topicList][]string // see syncAliases
	guests  map[string]bool        // offset syncs that are read for the sources of other clusters only: what can't be read of them hides nothing here
	groups  map[pair]groupLook
	// missing says, by the alias of a source, why what tells of replication from there was not read in the newest round. behind: of one of them reading goes on.
	missing map[string]string
	behind  bool

	flows map[pair]*flow
	ready bool // all that tells was read once: what shows from then on is new
	saved bool // the round's position was saved once
	gone  []string

	rhythm *rhythm.Tracker // of what is copied, which begins and ends

	tell    *collector.Teller
	take    *collector.Take // the round under way
	scale   map[string]int  // number of bad records as last told, by topic
	telling bool            // the board has writers from us
	cluster lineage.ClusterID

	runs          collector.Runs
	writersStored string // as stored
}

// flow is what is kept of one replicator between rounds.
type flow struct {
	pair
	node  lineage.Node
	began time.Time // the first round
	// whole is the first round in which all its offsets were known, zero while they were not: since then a partition that is new in its books is new. born: all its offsets were written about then.
	whole time.Time
	born  bool
	fact  lineage.ReplicatorFact
	told  bool
	books map[string]*copybook.Book // by topic of the source
	marks map[string]uint64         // newest marks, by topic here
	// As it was last seen: the topics of its accesses, and the names of those that it writes.
	topics []lineage.Topic
	writes []string
	dirty  bool

	sum     uint64
	stirred time.Time

	halted string    // the state in which it does not run; empty: it runs, or nothing tells why not
	since  time.Time // since when that is so, of one that ran before; zero: it was so at the first look
	looked bool
}

func newSource(cfg Config) *source {
	s := &source{cfg: cfg, tell: collector.NewTeller(cfg.Name, cfg.Log), words: newWords(), caught: map[string]bool{}, fresh: map[string]bool{}, groups: map[pair]groupLook{}, scale: map[string]int{}, foreign: map[string]bool{}, syncing: map[topicList][]string{}}
	s.rhythm = rhythm.New(rhythm.Config{Tick: cfg.Interval})
	s.forgetBooks()
	return s
}

// close closes the connections.
func (s *source) close() {
	if s.tail != nil {
		s.tail.client.Close()
	}
}

// forgetBooks brings the books to the state of a first start.
func (s *source) forgetBooks() {
	s.flows = map[pair]*flow{}
	s.ready, s.saved, s.gone = false, false, nil
	s.runs.Forget()
	s.writersStored = ""
	s.rhythm.Forget()
}

// flow returns what is kept of a pair, new when there is nothing.
func (s *source) flow(p pair) *flow {
	f := s.flows[p]
	if f == nil {
		f = &flow{pair: p, node: s.node(p), books: map[string]*copybook.Book{}, marks: map[string]uint64{}, dirty: true}
		s.flows[p] = f
	}
	return f
}

func (s *source) node(p pair) lineage.Node {
	return lineage.Node{Scope: s.cfg.Name, Kind: lineage.ReplicatorNode, Name: p.String()}
}

// read and write are the replicator's accesses to a topic.
func (f *flow) read(t lineage.Topic) lineage.Access {
	return lineage.Access{Topic: t, Op: lineage.Read, Client: lineage.Client{Mover: f.node}}
}

func (f *flow) write(t lineage.Topic) lineage.Access {
	return lineage.Access{Topic: t, Op: lineage.Write, Client: lineage.Client{Mover: f.node}}
}

// Observe implements collector.Source.
func (s *source) Observe(ctx context.Context, round time.Time) []lineage.Observation {
	o := s.observation(round)
	w, ok := s.board(ctx)
	if !ok { // nothing was lost: its own source says why it does not see the cluster
		s.take.Untold(o)
		return s.miss(ctx, o, "the cluster's topics are not known yet")
	}
	if s.cluster != "" && s.cluster != w.ID {
		s.begin(o)
	}
	s.cluster = w.ID
	t := newTarget(w)
	err := s.readAll(ctx, t, round)
	var views []view
	if err == nil {
		views = s.views(ctx, t, round)
	}
	if err == nil && len(views) == 0 && len(s.missing) > 0 {
		err = errors.New(strings.Join(slices.Sorted(maps.Values(s.missing)), "; "))
	}
	if err != nil {
		if !s.telling {
			s.cfg.Board.Expect(s.id(), s.cfg.Name) // there may be writers, once all is read
			if len(s.runs.Writers()) == 0 {
				now := collector.Levels{}
				now.Any(s.teller(), s.cluster, lineage.Unknown)
				s.runs.Tell(o, now)
			}
		}
		return s.miss(ctx, o, err.Error())
	}
	s.tellSyncs(t)
	s.book(o, t, views)
	s.tellRuns(o)
	s.sayBlind(o, views)
	s.rhythm.Observe([]*lineage.Observation{o})
	s.savePositions(o)
	s.ready = true
	return s.take.Finish(ctx)
}

// begin forgets all that was known: another cluster is behind the name now, as its own source has said.
func (s *source) begin(o *lineage.Observation) {
	for p, f := range s.flows {
		s.gone = append(s.gone, flowKey(p))
		for topic := range f.books {
			s.gone = append(s.gone, bookKey(p, topic))
		}
		if !f.began.IsZero() {
			o.Facts = append(o.Facts, lineage.Fact{Key: f.key(s.cfg.Name), Gone: true})
		}
	}
	gone := s.gone
	s.close()
	s.foreign = map[string]bool{}
	s.tail, s.words, s.caught, s.fresh, s.groups, s.scale = nil, newWords(), map[string]bool{}, map[string]bool{}, map[pair]groupLook{}, map[string]int{}
	s.forgetBooks()
	s.gone = gone
}

// Missed implements collector.Source.
func (s *source) Missed(round time.Time, reason string) []lineage.Observation {
	return s.miss(context.Background(), s.observation(round), reason)
}

func (s *source) observation(round time.Time) *lineage.Observation {
	s.take = s.tell.Take(round)
	return s.take.Observe(sourceName, s.cfg.Interval)
}

// Stored implements collector.Stored.
func (s *source) Stored() { s.tell.Stored() }

// miss says that nothing was seen, and to the board that writers may have changed.
func (s *source) miss(ctx context.Context, o *lineage.Observation, reason string) []lineage.Observation {
	collector.MissAll(o, reason)
	if s.telling {
		s.cfg.Board.SetWriters(s.id(), o.Round, false, s.writers(func(*flow) bool { return true }))
		s.cfg.Board.Withdraw(s.unseenID())
	}
	return s.take.Finish(ctx)
}

// board returns the cluster. At the start its own source needs a moment to see it.
func (s *source) board(ctx context.Context) (collector.Watched, bool) {
	wait := time.Now().Add(s.cfg.Interval / 2)
	for {
		w, ok := s.cfg.Board.Cluster(s.cfg.Name)
		if ok || ctx.Err() != nil || time.Now().After(wait) {
			return w, ok
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// wanted returns the topics to read now, with how far back. What needs no other is first: configurations and heartbeats say which others tell.
func (s *source) wanted(t target) map[string]int64 {
	maps.DeleteFunc(s.foreign, func(name string, _ bool) bool { return !has(t.Watched, name) })
	want, here, direct, elsewhere := map[string]int64{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	s.guests = map[string]bool{}
	for alias, d := range s.words.dedicated {
		for _, c := range d.configs {
			here[alias] = here[alias] || mm2.IsSourceConnector(c.Class)
			direct[alias] = direct[alias] || mm2.IsSourceConnector(c.Class) && !c.Off
		}
	}
	for p := range s.words.beats {
		elsewhere[p.source] = !here[p.source]
	}
	for name, in := range t.internal {
		switch in.Kind {
		case mm2.ConfigTopic:
			want[name] = 0
		case mm2.HeartbeatTopic:
			if in.Alias == "" && s.proven(t, name) {
				want[name] = heartbeatDepth
			}
		case mm2.OffsetTopic, mm2.StatusesTopic:
			if direct[in.Alias] {
				want[name] = recordDepth
			}
		case mm2.CheckpointTopic:
			if elsewhere[in.Alias] {
				want[name] = checkpointDepth
			}
		case mm2.OffsetSyncTopic:
			_, ok := t.trace(in.Alias)
			own := elsewhere[in.Alias] && ok
			if own || s.cfg.Syncs.isWanted(t.ID, in.Alias) {
				want[name] = recordDepth
			}
			s.guests[name] = !own
		case mm2.NoInternal:
		}
	}
	return want
}

// readAll reads what is new in the internal topics. An error says why the round can't go on: a broker failed, or they were not read to their ends yet. What may not be read is left out.
func (s *source) readAll(ctx context.Context, t target, round time.Time) error {
	want := s.wanted(t)
	s.forgetOthers(want)
	s.missing, s.behind = nil, false
	if len(want) == 0 {
		return nil
	}
	if s.tail == nil {
		client, err := s.cfg.Client()
		if err != nil {
			return fmt.Errorf("make a client: %w", err)
		}
		s.tail = newTail(client)
	}
	s.tail.spent = spent{}
	for {
		s.tail.read(ctx, want, func(topic string) {
			s.words.forget(topic)
			delete(s.caught, topic)
			delete(s.fresh, topic)
		}, func(topic string, r *kgo.Record) {
			if r == nil {
				s.words.bad[topic]++
				return
			}
			s.words.hear(topic, r.Key, r.Value, round, s.fresh[topic])
		})
		err := s.noteRead(want)
		more := s.wanted(t)
		if err != nil || len(more) <= len(want) {
			return err
		}
		want = more // what was read names others
	}
}

// noteRead notes which topics were read to their ends, and which were not. An error says why the round can't go on: a broker did not answer, or heartbeats were not read, which are of all pairs.
func (s *source) noteRead(want map[string]int64) error {
	s.missing, s.behind = map[string]string{}, false
	for _, name := range slices.Sorted(maps.Keys(want)) {
		tp := s.tail.topics[name]
		s.fresh[name] = tp.whole
		s.caught[name] = s.caught[name] || tp.whole
		var why string
		switch {
		case errors.Is(tp.err, errDenied), errors.Is(tp.err, errGone), s.guests[name]:
			continue
		case tp.err != nil:
			why = name + ": " + tp.err.Error()
		case s.caught[name]:
			continue
		default:
			why, s.behind = "still reading "+name, true
		}
		alias := mm2.ParseInternal(name).Alias
		if others := s.missing[alias]; others != "" {
			why = others + "; " + why
		}
		s.missing[alias] = why
	}
	if s.tail.down != nil {
		return s.tail.down
	}
	if why := s.missing[""]; why != "" {
		return errors.New(why)
	}
	return nil
}

// forgetOthers drops what topics said that are not read any more: they are gone, or another source tells the same.
func (s *source) forgetOthers(want map[string]int64) {
	if s.tail == nil {
		return
	}
	for name := range s.tail.topics {
		if _, ok := want[name]; !ok {
			s.tail.drop(name)
			s.words.forget(name)
			delete(s.caught, name)
			delete(s.fresh, name)
			delete(s.scale, name)
		}
	}
}

// tellSyncs tells the sources of other clusters what they want to know of offset syncs on this one.
func (s *source) tellSyncs(t target) {
	for _, in := range t.internal {
		if in.Kind != mm2.OffsetSyncTopic || s.missing[in.Alias] != "" || !s.cfg.Syncs.isWanted(t.ID, in.Alias) {
			continue
		}
		counts := map[string]uint64{}
		for topic, m := range s.words.syncs[in.Alias] {
			counts[topic] = m.n
		}
		s.cfg.Syncs.tell(t.ID, in.Alias, counts)
	}
}

// book books a round of all views, and tells the board who writes.
func (s *source) book(o *lineage.Observation, t target, views []view) {
	s.dropFlows(o, views)
	for _, v := range views {
		f := s.flow(v.pair)
		if f.began.IsZero() {
			f.began, f.dirty = o.Round, true
		}
		if f.whole.IsZero() && v.whole {
			f.whole, f.born, f.dirty = o.Round, s.ready && v.young, true
		}
		f.tellFact(o, s.cfg.Name, t, v)
		f.topics, f.writes = nil, v.writes()
		v.how = f.how(v, o.Round)
		marks := f.marks
		f.marks = map[string]uint64{}
		for _, c := range v.copies {
			s.bookCopy(o, t, f, v, c, marks)
		}
		for _, c := range v.planned {
			f.sight(o, v, lineage.Topic{Cluster: v.upstream.ID, Name: c.from}, lineage.Topic{Cluster: t.ID, Name: c.to})
		}
		for _, c := range v.idle {
			s.observe(o, t, f, v, c)
		}
	}
	s.sayMissing(o, len(views))
	s.tellWriters(o.Round, len(views) > 0)
}

// sayMissing says of which replication nothing was seen in this round.
func (s *source) sayMissing(o *lineage.Observation, seen int) {
	for _, alias := range slices.Sorted(maps.Keys(s.missing)) {
		m := lineage.Missing{Reason: s.missing[alias], Share: 1 / float64(seen+len(s.missing))}
		for p, f := range s.flows {
			if p.source == alias {
				m.Topics = append(m.Topics, f.accessed()...)
			}
		}
		slices.SortFunc(m.Topics, func(a, b lineage.Topic) int {
			return cmp.Or(cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Name, b.Name))
		})
		m.Topics = slices.Compact(m.Topics)
		o.Missing = append(o.Missing, m)
	}
}

// accessed returns the topics of a replicator's accesses, as far as they are known.
func (f *flow) accessed() []lineage.Topic {
	topics := slices.Clone(f.topics)
	for _, b := range f.books {
		if b.Access.Topic.Cluster != "" {
			topics = append(topics, b.Access.Topic)
		}
	}
	return topics
}

// tellWriters tells the board who writes. Those of which nothing was seen may or may not: as a source of their own, so that the others stay sure.
func (s *source) tellWriters(round time.Time, seen bool) {
	s.telling = seen
	if !seen {
		s.cfg.Board.Withdraw(s.id())
		s.cfg.Board.Withdraw(s.unseenID())
		return
	}
	s.cfg.Board.SetWriters(s.id(), round, true, s.writers(func(f *flow) bool { return s.missing[f.source] == "" }))
	switch unseen := s.writers(func(f *flow) bool { return s.missing[f.source] != "" }); {
	case len(unseen[s.cluster]) > 0:
		s.cfg.Board.SetWriters(s.unseenID(), round, false, unseen)
	case s.behind:
		s.cfg.Board.Expect(s.unseenID(), s.cfg.Name)
	default:
		s.cfg.Board.Withdraw(s.unseenID())
	}
}

// teller stands for replicators that are not known.
func (s *source) teller() lineage.Node {
	return lineage.Node{Scope: s.cfg.Name, Kind: lineage.ReplicatorNode}
}

// tellRuns tells the store who writes: those of which nothing was seen may or may not, and while something is still to be
// read anybody may.
func (s *source) tellRuns(o *lineage.Observation) {
	now, teller := collector.Levels{}, s.teller()
	if s.telling {
		now.Add(teller, s.writers(func(f *flow) bool { return s.missing[f.source] == "" }), 1)
		now.Add(teller, s.writers(func(f *flow) bool { return s.missing[f.source] != "" }), lineage.Unknown)
		if s.behind {
			now.Any(teller, s.cluster, lineage.Unknown)
		}
	}
	s.runs.Tell(o, now)
}

// writers are the writers among some replicators, as they were last seen.
func (s *source) writers(of func(*flow) bool) collector.UncountedWriters {
	w := collector.UncountedWriters{s.cluster: {}}
	for _, f := range s.flows {
		if !of(f) {
			continue
		}
		for _, to := range f.writes {
			w.Add(s.cluster, to, f.node)
		}
	}
	return w
}

// writes are the topics that a replicator writes, nil while it does not run. Copies that begin between two rounds are named before: else their first records would be nobody's.
func (v view) writes() []string {
	if !v.running {
		return nil
	}
	names := slices.Clone(v.soon)
	for _, c := range v.copies {
		if c.to != "" {
			names = append(names, c.to)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// bookCopy books one topic and its copy. marks are those of the round before.
func (s *source) bookCopy(o *lineage.Observation, t target, f *flow, v view, c copied, marks map[string]uint64) {
	moved := false
	if c.mark != 0 {
		was, known := marks[c.to]
		moved = known && was != c.mark
		f.marks[c.to] = c.mark
	}
	if c.to != "" {
		s.cfg.Board.WantEnds(t.ID, c.to)
	}
	if c.offsets != nil {
		moved = s.bookOffsets(o, t, f, v, c)
	}
	if c.from != "" && v.watched {
		topic := lineage.Topic{Cluster: v.upstream.ID, Name: c.from}
		f.topics = append(f.topics, topic)
		if v.running {
			s.cfg.Board.Copies(topic.Cluster, c.from)
			o.Sightings = append(o.Sightings, lineage.Sighting{Access: f.read(topic), Evidence: lineage.Mirror, Moved: moved, Detail: f.detail(c.from, v.how)})
		} else {
			s.cfg.Board.WantEnds(topic.Cluster, c.from)
			f.sight(o, v, topic, lineage.Topic{})
		}
	}
	if c.to != "" && !v.running {
		f.sight(o, v, lineage.Topic{}, lineage.Topic{Cluster: t.ID, Name: c.to})
	}
	if c.to != "" && v.running {
		topic := lineage.Topic{Cluster: t.ID, Name: c.to}
		f.topics = append(f.topics, topic)
		o.Sightings = append(o.Sightings, lineage.Sighting{Access: f.write(topic), Evidence: lineage.Mirror, Moved: moved, Detail: v.how})
	}
}

// sight tells of a replicator that was told not to run what it is configured to read and write; a zero topic is none.
func (f *flow) sight(o *lineage.Observation, v view, read, write lineage.Topic) {
	if v.running || v.state == "" {
		return
	}
	if read.Name != "" {
		f.topics = append(f.topics, read)
		o.Sightings = append(o.Sightings, lineage.Sighting{Access: f.read(read), Evidence: lineage.Mirror, Detail: f.detail(read.Name, v.how)})
	}
	if write.Name != "" {
		f.topics = append(f.topics, write)
		o.Sightings = append(o.Sightings, lineage.Sighting{Access: f.write(write), Evidence: lineage.Mirror, Detail: v.how})
	}
}

// how adds to how a replicator is known that it does not run, and since when.
func (f *flow) how(v view, round time.Time) string {
	now := v.state
	if v.running {
		now = ""
	}
	if now != f.halted {
		if f.halted = now; f.looked {
			f.since = round
		}
	}
	f.looked = true
	switch {
	case f.halted == "":
		return v.how
	case f.since.IsZero():
		return v.how + "; configured, and not moving: " + f.halted + " since " + f.began.Format(time.RFC3339) + " at the latest"
	}
	return v.how + "; configured, and not moving: " + f.halted + " since " + f.since.Format(time.RFC3339)
}

// detail is how a replication of a topic is known, with why its count is a bound where it is one.
func (f *flow) detail(from, how string) string {
	if b := f.books[from]; b != nil {
		return b.Detail(how)
	}
	return how
}

// bookOffsets books what the offsets of one topic tell, and reports whether records moved.
func (s *source) bookOffsets(o *lineage.Observation, t target, f *flow, v view, c copied) bool {
	b, moved := s.observe(o, t, f, v, c)
	if v.watched {
		o.Samples = append(o.Samples, b.Tell(o.Round.Add(-s.cfg.Interval), s.ends(v.upstream.ID, c.from, o.Round).Offsets != nil)...)
	}
	return moved
}

// observe brings the book of one topic up to date, and reports whether records moved. It is kept even while nothing is told of it, since the source is not watched or the topic not copied, and as long as there is the
// replicator, whose offsets stay too: when it is told, no one takes what was there before for new.
func (s *source) observe(o *lineage.Observation, t target, f *flow, v view, c copied) (*copybook.Book, bool) {
	topic := lineage.Topic{Cluster: v.upstream.ID, Name: c.from}
	b, replaced := f.books[c.from], false
	switch {
	case b == nil:
		b = newBook(f.read(topic))
	case b.Access.Topic.Cluster == "":
		b.Access.Topic.Cluster = topic.Cluster
	case v.watched && b.Access.Topic.Cluster != topic.Cluster:
		b, replaced = newBook(f.read(topic)), true
	}
	f.books[c.from] = b
	ends := s.ends(topic.Cluster, c.from, o.Round)
	r := copybook.Reading{
		Offsets: c.offsets, Ends: ends.Offsets, Copies: s.ends(t.ID, c.to, o.Round).Records(), Transactional: ends.Transactional,
		Starts: ends.Starts, StartsAt: ends.StartsAt, Compacted: ends.Compacted,
		Origin: (f.born || !f.whole.IsZero() && f.whole.Before(o.Round)) && !replaced, Certain: copybook.Certain(f.born, f.whole, o.Round),
		Running: v.running || c.to == "", // what is not copied any more, or nobody knows whereto, loses nothing
		Round:   o.Round, Interval: s.cfg.Interval,
	}
	moved := b.Observe(r)
	if b.Undecided() {
		s.cfg.Board.WantStarts(topic.Cluster, c.from)
	}
	if events := b.Events(); v.watched {
		o.Events = append(o.Events, events...)
	}
	return b, moved
}

// ends returns where a topic ends as of a round, or the one or two before it where its own source is late.
func (s *source) ends(cluster lineage.ClusterID, topic string, round time.Time) collector.Ends {
	return s.cfg.Board.Ends(cluster, topic, round.Add(-2*s.cfg.Interval))
}

// newBook opens the account of one topic of a source.
func newBook(access lineage.Access) *copybook.Book { return copybook.New(access, lineage.Mirror) }

// tellFact tells what the replicator is, when that changed.
func (f *flow) tellFact(o *lineage.Observation, name string, t target, v view) {
	fact := lineage.ReplicatorFact{
		Node: f.node, SourceAlias: v.source, TargetAlias: v.target, Source: v.upstream.ID, Target: t.ID,
		Policy: v.policy.Class, Separator: v.policy.Separator, State: v.state,
	}
	if v.policy.Identity() {
		fact.Separator = ""
	}
	if f.told && fact == f.fact {
		return
	}
	f.fact, f.told = fact, true
	o.Facts = append(o.Facts, lineage.Fact{Key: f.key(name), Replicator: &fact})
}

func (f *flow) key(name string) lineage.FactKey {
	return lineage.FactKey{Source: name, Kind: lineage.ReplicatorFacts, Name: f.node.ID()}
}

// dropFlows says of replicators that are no more that they are gone.
func (s *source) dropFlows(o *lineage.Observation, views []view) {
	for p, f := range s.flows {
		if s.missing[p.source] != "" || slices.ContainsFunc(views, func(v view) bool { return v.pair == p }) {
			continue
		}
		delete(s.flows, p)
		if f.began.IsZero() {
			continue // it was never told
		}
		s.gone = append(s.gone, flowKey(p))
		for topic := range f.books {
			s.gone = append(s.gone, bookKey(p, topic))
		}
		o.Facts = append(o.Facts, lineage.Fact{Key: f.key(s.cfg.Name), Gone: true})
	}
	slices.Sort(s.gone)
}
