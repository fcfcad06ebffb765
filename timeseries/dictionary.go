package timeseries

import (
	"math"
	"slices"

	"github.com/lineaged/lineaged/lineage"
)

// subjectID is the dense id that an access gets when it is first seen. It is never given to another, and never leaves
// this package.
type subjectID uint32

// seriesKey names one stored series.
type seriesKey struct {
	Subject  subjectID
	Metric   lineage.Metric
	Evidence lineage.EvidenceKind
}

// word orders keys as compareKeys does.
func (k seriesKey) word() uint64 {
	return uint64(k.Subject)<<16 | uint64(k.Metric)<<8 | uint64(k.Evidence)
}

// never is later than every tick.
const never = math.MaxInt64

// entry is the one place of an Access in memory. It exists as soon as an observation names the access, and becomes
// visible when it gets a subject, that is after the observation is on disk.
type entry struct {
	access  lineage.Access
	subject *subject
	next    *entry // of the same hash
	place   uint32 // in the order of entries
	// local is the number that a log segment gave the access; segment is that segment's number plus one.
	segment uint64
	local   uint32
	logged  uint32 // the number plus one that the segment gave the newest of its series; 0: none
}

// subject is a dictionary entry: what is kept of an access over all time.
type subject struct {
	entry    *entry
	id       subjectID
	first    int64 // tick of the oldest round in which a source named it; never: it was only derived
	last     int64 // tick of the newest round that named it, or in which something of it was derived
	series   []*series
	few      [2]*series // the room of series while there are no more: most have one or two
	supports []*support
	listed   bool // among engine.links
	// lone and one are the room of supports and the first of them: most have no other.
	lone [1]*support
	one  support
}

// series is one metric of a subject. What each sample needs comes first, in two lines of a processor's cache.
type series struct {
	key     seriesKey
	subject *subject
	ledger  *ledger // that it was entered in, or is settled in; nil: none
	// base is the total, or the level, at the end of the sealed blocks; valid when sealed is true.
	base    int64
	head    head
	src     *source // that of the newest sealed sample
	since   int64   // of Linked: the tick since which its level at the end of the sealed blocks stands; 0: none
	sealed  bool
	derived bool // by Options.Settle, and told by nobody
}

// support is what is kept of one kind of evidence for a subject.
type support struct {
	kind lineage.EvidenceKind
	src  *source // of the newest observation
	// srcTick and detailTick are the rounds that src and detail are from; the detail stands since another.
	srcTick, detailTick, since int64
	detail                     string
	// sighted is the oldest sighting, sealed the oldest tick that sealed blocks mark; never when there is none.
	sighted, sealed int64
	// of a derived series: where detail is from; nil: it is none, or was not derived since the start
	said *words
	// line is what was told in open blocks; nil: nothing, or the detail alone, at detailTick
	line *detailLine
}

// source is an observer and its rounds in open blocks.
type source struct {
	id   uint16
	name lineage.Source
	// newest is the newest round of all, also when it is sealed; tick 0 when there was none.
	newest round
	// before is the last sealed round; tick 0 when there is none.
	before anchor
	head   []round // by tick; a slice that was handed out is never changed in place
	// local is the number that a log segment gave the source; segment is that segment's number plus one.
	segment uint64
	local   uint32
}

// anchor ties a tick to the instant of its readings.
type anchor struct {
	tick   int64
	offset int64 // nanoseconds from the tick to the reading
}

// round is one observation of a source without what it saw.
type round struct {
	anchor
	span int32 // the interval in ticks: it covers (tick-span, tick]
	miss *missing
}

func (r round) start() int64 { return r.tick - int64(r.span) }

func (s *subject) find(m lineage.Metric, k lineage.EvidenceKind) *series {
	for _, x := range s.series {
		if x.key.Metric == m && x.key.Evidence == k {
			return x
		}
	}
	return nil
}

// addSeries keeps the series sorted by metric and evidence.
func (s *subject) addSeries(x *series) {
	if s.series == nil {
		s.series = s.few[:0]
	}
	i, _ := slices.BinarySearchFunc(s.series, x, func(a, b *series) int { return compareKeys(a.key, b.key) })
	s.series = slices.Insert(s.series, i, x)
}

// removeSeries leaves what was handed out as it is.
func (s *subject) removeSeries(x *series) {
	s.series = slices.DeleteFunc(slices.Clone(s.series), func(y *series) bool { return y == x })
	s.few = [2]*series{} // not the room of these any more
}

// told reports whether a source named the subject.
func (s *subject) told() bool {
	return slices.ContainsFunc(s.series, func(x *series) bool { return !x.derived }) ||
		slices.ContainsFunc(s.supports, func(p *support) bool { return p.sighted != never })
}

// supported returns what is kept of one kind of evidence, nil for nothing.
func (s *subject) supported(k lineage.EvidenceKind) *support {
	for _, x := range s.supports {
		if x.kind == k {
			return x
		}
	}
	return nil
}

// support returns what is kept of one kind of evidence, new if need be.
func (s *subject) support(k lineage.EvidenceKind) *support {
	if x := s.supported(k); x != nil {
		return x
	}
	return s.addSupport(support{kind: k, sighted: never, sealed: never})
}

// addSupport keeps what there is of a kind of evidence that there was nothing of. None is ever taken away.
func (s *subject) addSupport(x support) *support {
	p := &s.one
	if s.supports == nil {
		s.supports = s.lone[:0]
	} else {
		p = new(support)
	}
	*p = x
	s.supports = append(s.supports, p)
	return p
}

// saw notes who supports the access. Of two sources in one round the lesser name stands, so that the order of arrival
// does not matter.
func (p *support) saw(src *source, tick int64) {
	if p.src == nil || tick > p.srcTick || tick == p.srcTick && less(src.name, p.src.name) {
		p.src, p.srcTick = src, tick
	}
}

func (p *support) sight(tick, sealed int64, detail string) {
	p.sighted = min(p.sighted, tick)
	if detail != "" {
		p.tell(tick, sealed, detail)
	}
}

func less(a, b lineage.Source) bool {
	if a.Cluster != b.Cluster {
		return a.Cluster < b.Cluster
	}
	return a.Name < b.Name
}

// source returns who last wrote the series.
func (s *series) source(sources []*source) *source {
	if s.head.newest.tick > 0 {
		return sources[s.head.newest.src]
	}
	return s.src
}
