package mirror

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/copybook"
	"github.com/lineaged/lineaged/lineage"
)

// This file books a round of what is copied, and tells who copies.

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

// tellWriters tells the board who writes. Those of which nothing was seen may or may not: as a source of their own, so
// that the others stay sure.
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

// tellRuns tells the store who writes: those of which nothing was seen may or may not, and while something is still to
// be read anybody may.
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

// writes are the topics that a replicator writes, nil while it does not run. Copies that begin between two rounds are
// named before: else their first records would be nobody's.
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

// observe brings the book of one topic up to date, and reports whether records moved. It is kept even while nothing is
// told of it, since the source is not watched or the topic not copied, and as long as there is the replicator, whose
// offsets stay too: when it is told, no one takes what was there before for new.
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
		Unread:  f.began,
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
