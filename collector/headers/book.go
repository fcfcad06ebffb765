package headers

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/lineaged/lineaged/internal/recordbatch"
	"github.com/lineaged/lineaged/lineage"
)

// mostWriters is how many writers of one topic are counted apart.
const mostWriters = 2_000

// idleAfter is how long a writer is kept that writes nothing, where there are too many: brokers forget an idle producer
// id after that time (producer.id.expiration.ms).
const idleAfter = 24 * time.Hour

// book is what is kept of one topic incarnation. What was read since the newest round of which all was told is in
// fresh, and is told when all partitions have been read up to the ends of one round. Only then it is saved, so that
// after a crash or a refused round the same batches are read again.
type book struct {
	topic lineage.Topic
	parts []part
	since time.Time // the round up to whose ends all is told; zero: nothing was looked at yet

	totals  map[lineage.Client]total // of writers with a producer id, as told
	left    int64                    // records of writers without idempotence
	markers int64

	claims map[string]int64 // records of those, by the name in a header

	fresh  tally
	peeker *peeker // nil: no batch is unpacked
	traced *traces // that go through it; nil: none are looked for
	ends   []int64 // where the partitions ended in the newest round
	dirty  bool
	// Of the round under way:
	asked  bool   // some of it was asked for
	broken string // why what was read since can't be told as all that was written; empty: nothing says so
	// denied is why it may not be read; empty: it may.
	denied string
	// share is how much of the records was looked at as the budget fell short the last time; 1: it does not.
	share float64
	began bool      // what was counted before is forgotten, so that its writers are counted anew
	told  bool      // what is of no writer was told since
	seen  time.Time // the newest round in which it was watched
}

// total is what a writer has written since it was first seen here.
type total struct {
	records int64
	moved   time.Time
}

// part is one partition.
type part struct {
	next int64 // offset to look at next
}

// tally is what some batches hold.
type tally struct {
	by      map[int64]int64 // records by producer id, -1 none
	txn     map[int64]bool  // producer ids that wrote in transactions
	markers int64
	looked  int64 // offsets, markers too
	bytes   int64
	names   peeked
}

func newBook(t lineage.Topic) *book {
	b := &book{topic: t, totals: map[lineage.Client]total{}, claims: map[string]int64{}, share: 1}
	b.fresh.clear()
	return b
}

func (y *tally) clear() { *y = tally{by: map[int64]int64{}, txn: map[int64]bool{}} }

// add counts a batch.
func (y *tally) add(b recordbatch.Batch) {
	y.bytes += int64(b.Bytes)
	y.looked += b.LastOffset - b.BaseOffset + 1
	if b.Control {
		y.markers += int64(b.Records)
		return
	}
	y.by[b.ProducerID] += int64(b.Records)
	if b.Transactional && b.ProducerID >= 0 {
		y.txn[b.ProducerID] = true
	}
}

// behind is how many offsets of a partition are not looked at.
func (b *book) behind(i int) int64 {
	if i >= len(b.ends) || i >= len(b.parts) {
		return 0
	}
	return max(0, b.ends[i]-b.parts[i].next)
}

// rest is how many offsets of the topic are not looked at.
func (b *book) rest() (n int64) {
	for i := range b.parts {
		n += b.behind(i)
	}
	return n
}

// arrive takes in where the partitions end in a round. It begins with those that are new, and with a topic that was
// never looked at, at their ends: of what is before nobody knows when it was written.
func (b *book) arrive(ends []int64) {
	b.ends, b.asked = ends, false
	for len(b.parts) < len(ends) {
		b.parts = append(b.parts, part{next: -1})
	}
	for i, end := range ends {
		p := &b.parts[i]
		switch {
		case p.next < 0:
			p.next = end
			b.spoil("a partition is read from here on")
		case p.next > end:
			p.next = end
			b.spoil("its log was cut off")
		}
	}
}

// spoil notes that what was read since it was last told is not all that was written.
func (b *book) spoil(why string) {
	if b.broken == "" {
		b.broken = why
	}
}

// take looks at the batches of an answer for a partition. It reports whether it came further.
func (b *book) take(i int, raw []byte) (further bool) {
	p, end := &b.parts[i], b.ends[i]
	for p.next < end {
		x, rest, err := recordbatch.Next(raw)
		switch {
		case err == recordbatch.ErrCut: //nolint:errorlint // these are returned as they are
			return further
		case err == recordbatch.ErrGarbage: //nolint:errorlint // likewise
			b.spoil("what a broker sent is no record batch")
			b.pass(i, end)
			return true
		case x.LastOffset < p.next && err == nil: // a Fetch begins with the batch that an offset is in
			raw = rest
			continue
		case x.BaseOffset >= end:
			return further || b.hole(i, end)
		}
		raw, further = rest, true
		if x.BaseOffset > p.next {
			b.hole(i, x.BaseOffset)
		}
		switch {
		case err != nil:
			b.spoil("a batch can't be read: " + err.Error())
		case x.BaseOffset < p.next || x.LastOffset >= end:
			b.spoil("a batch reaches over the end of the log as it was booked")
		case !x.Whole():
			b.spoil("its log is compacted, and some records were gone before they were looked at")
		default:
			b.fresh.add(x)
			if b.peeker != nil && !x.Control {
				b.peeker.batch(&b.fresh.names, x, b.traced)
			}
		}
		p.next = max(p.next, min(x.LastOffset+1, end))
	}
	return further
}

// hole passes offsets that are in no batch.
func (b *book) hole(i int, to int64) bool {
	b.spoil("its log is compacted, and some records were gone before they were looked at")
	return b.pass(i, to)
}

// pass goes on at an offset without having looked.
func (b *book) pass(i int, to int64) bool {
	p := &b.parts[i]
	moved := to > p.next
	p.next = max(p.next, to)
	return moved
}

// skip gives up what was read since it was last told, and goes on at the ends.
func (b *book) skip(round time.Time) {
	if all := b.fresh.looked + b.rest(); all > 0 {
		b.share = float64(b.fresh.looked) / float64(all)
	}
	b.dirty = b.dirty || b.since.IsZero() || b.broken != "" || b.fresh.looked > 0
	for i := range b.parts {
		if b.pass(i, b.ends[i]) {
			b.dirty = true
		}
	}
	b.since, b.broken = round, ""
	b.fresh.clear()
}

// tell tells what was counted, and that nothing else was written. names are the transactional.ids of producer ids.
func (b *book) tell(o *lineage.Observation, names map[int64]string) {
	since := time.Time{}
	if b.since.Before(o.Round.Add(-o.Interval)) {
		since = b.since
	}
	sample := func(a lineage.Access, m lineage.Metric, n int64, bound bool) {
		o.Samples = append(o.Samples, lineage.Sample{Subject: a, Metric: m, Evidence: lineage.BatchHeader, Value: n, Since: since, Estimated: bound})
	}
	b.since, b.share = o.Round, 1
	if b.fresh.looked == 0 {
		return
	}
	b.dirty = true
	moved := map[lineage.Client]int64{}
	for id, n := range b.fresh.by {
		if id >= 0 {
			moved[writer(id, b.fresh.txn[id], names)] += n
		}
	}
	for _, c := range slices.SortedFunc(maps.Keys(moved), compareWriters) {
		x, known := b.totals[c]
		x = total{x.records + moved[c], o.Round}
		b.totals[c] = x
		// a lower total than was told before advances nothing
		sample(lineage.Access{Topic: b.topic, Op: lineage.Write, Client: c}, lineage.Records, x.records, !known && b.began)
	}
	b.left += b.fresh.by[-1]
	b.markers += b.fresh.markers
	// Both are told also where they are what they were: that says so of this time.
	sample(lineage.Access{Topic: b.topic}, lineage.Left, b.left, b.began && !b.told)
	sample(lineage.Access{Topic: b.topic}, lineage.Markers, b.markers, b.began && !b.told)
	b.tellNames(o, sample)
	b.told = true
	b.fresh.clear()
}

// tellNames tells of writers without idempotence who they are: how much each wrote where all batches were looked into,
// else that it wrote.
func (b *book) tellNames(o *lineage.Observation, sample func(a lineage.Access, m lineage.Metric, n int64, bound bool)) {
	y := &b.fresh.names
	detail := ""
	if y.passed > 0 {
		detail = percent(float64(y.looked)/float64(y.looked+y.passed)) + " of the batches without a producer id were looked into"
	}
	for _, name := range slices.Sorted(maps.Keys(y.by[-1])) {
		a := lineage.Access{Topic: b.topic, Op: lineage.Write, Client: lineage.Client{ClientID: name}}
		if _, known := b.claims[name]; detail != "" || !known && len(b.claims) >= mostApps {
			o.Sightings = append(o.Sightings, lineage.Sighting{Access: a, Evidence: lineage.RecordHeader, Moved: true, Detail: detail})
			continue
		}
		_, known := b.claims[name]
		b.claims[name] += y.by[-1][name]
		before := len(o.Samples)
		sample(a, lineage.Claimed, b.claims[name], !known && b.began)
		o.Samples[before].Evidence = lineage.RecordHeader
	}
}

// room makes room for the writers of what was read: who has not written for a day is forgotten, where there are too
// many, and false is returned where there are too many all the same.
func (b *book) room(round time.Time) bool {
	if len(b.totals)+len(b.fresh.by) > mostWriters {
		n := len(b.totals)
		maps.DeleteFunc(b.totals, func(_ lineage.Client, x total) bool { return round.Sub(x.moved) > idleAfter })
		b.began = b.began || len(b.totals) < n
	}
	return len(b.totals)+len(b.fresh.by) <= mostWriters
}

// writer is the client of a producer id.
func writer(id int64, transactional bool, names map[int64]string) lineage.Client {
	if name := names[id]; name != "" && transactional {
		return lineage.Client{TransactionalID: name}
	}
	return lineage.Client{Producer: lineage.KnownProducer(id)}
}

// percent spells a share of what there was.
func percent(share float64) string {
	switch p := share * 100; {
	case share <= 0:
		return "none"
	case p < 1:
		return "less than 1 %"
	default:
		return fmt.Sprintf("%d %%", int(p))
	}
}
