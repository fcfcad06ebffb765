package openlineage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/collector/ask"
	"github.com/lineaged/lineaged/collector/fetch"
	"github.com/lineaged/lineaged/internal/deadletter"
	"github.com/lineaged/lineaged/internal/runevent"
	"github.com/lineaged/lineaged/internal/varint"
	"github.com/lineaged/lineaged/lineage"
)

const (
	// mostRecords and mostRecordBytes are read of a topic in a tick, at most.
	mostRecords     = 5000
	mostRecordBytes = 16 << 20
	// backRecords is how many records of a partition are read that were there before it was followed.
	backRecords = 100_000
	// fetchBytes bounds what is fetched ahead, of each broker and of each partition.
	fetchBytes     = 8 << 20
	partitionBytes = 2 << 20
	topicPrefix    = "topic/"
)

// Topic is a topic of a watched cluster whose records are events.
type Topic struct {
	Cluster string // as it is configured
	Name    string
	Client  func(opts ...kgo.Opt) (*kgo.Client, error)
}

// from is where a journal's entry comes from; nil: by HTTP.
type from struct {
	Topic     string `json:"t"` // CLUSTER/TOPIC
	ID        []byte `json:"i"` // the topic's: one that is made anew is another
	Partition int32  `json:"p"`
	Offset    int64  `json:"o"`
}

// offsets are up to where a topic's partitions are read: the next offsets.
type offsets struct {
	id   kadm.TopicID
	next map[int32]int64
}

func (o *offsets) clone() offsets { return offsets{o.id, maps.Clone(o.next)} }

// take notes that a record is read. One of a topic that was made anew begins anew.
func (o *offsets) take(f *from) {
	var id kadm.TopicID
	copy(id[:], f.ID)
	if id != o.id || o.next == nil {
		*o = offsets{id, map[int32]int64{}}
	}
	o.next[f.Partition] = max(o.next[f.Partition], f.Offset+1)
}

// reader reads a topic into the journal: a consumer without a group, so that nothing is left in the cluster. How far it
// is stands in the journal beside each event, and from there in the positions of the round that observes it.
type reader struct {
	Topic
	journal *journal
	refused func(deadletter.Letter)
	client  *kgo.Client
	unpack  *fetch.Unpacker
	at      offsets
	ends    map[int32]int64

	mu      sync.Mutex // guards the field below
	missing []string   // what is not read, as of its newest look
}

func (x *reader) key() string { return x.Cluster + "/" + x.Name }

func (x *reader) close() {
	if x.client != nil {
		x.client.Close()
	}
	x.client = nil
}

// run reads until ctx ends.
func (x *reader) run(ctx context.Context, every time.Duration) {
	defer x.close()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		x.look(ctx, every)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// look reads what there is, up to a bound, and notes what is left.
func (x *reader) look(ctx context.Context, within time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	missing, err := x.read(ctx)
	if err != nil {
		x.close() // the next look connects anew
		missing = append(missing, fmt.Sprintf("the topic %s of cluster %s: %v", x.Name, x.Cluster, ask.Plain(err)))
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.missing = missing
}

func (x *reader) read(ctx context.Context) (missing []string, err error) {
	if x.client == nil {
		x.unpack = fetch.NewUnpacker()
		x.client, err = x.Client(
			kgo.WithDecompressor(x.unpack), kgo.FetchMaxBytes(fetchBytes), kgo.FetchMaxPartitionBytes(partitionBytes), kgo.MaxConcurrentFetches(2),
			kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.KeepControlRecords(),
		)
		if err != nil {
			return nil, err
		}
		x.ends = nil
	}
	if missing, err = x.places(ctx); err != nil {
		return missing, err
	}
	more, err := x.poll(ctx)
	missing = append(missing, more...)
	left := int64(0)
	for n, end := range x.ends {
		left += max(0, end-x.at.next[n])
	}
	if left > 0 {
		missing = append(missing, fmt.Sprintf("%d records of the topic %s of cluster %s wait to be read", left, x.Name, x.Cluster))
	}
	return missing, err
}

// places asks where the partitions begin and end, and begins with those that are new.
func (x *reader) places(ctx context.Context) (missing []string, err error) {
	admin := kadm.NewClient(x.client)
	list, err := admin.ListTopics(ctx, x.Name)
	if err != nil {
		return nil, err
	}
	t := list[x.Name]
	if t.Err != nil {
		return nil, t.Err
	}
	if x.at.id != t.ID || x.at.next == nil {
		if x.at.next != nil {
			missing = append(missing, fmt.Sprintf("the topic %s of cluster %s was deleted and made anew, and what was left of it to read is gone", x.Name, x.Cluster))
		}
		x.at = offsets{t.ID, map[int32]int64{}}
	}
	ends, err := admin.ListCommittedOffsets(ctx, x.Name)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return missing, err
	}
	starts, err := admin.ListStartOffsets(ctx, x.Name)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return missing, err
	}
	first, assign := x.ends == nil, map[int32]kgo.Offset{}
	if first {
		x.ends = map[int32]int64{}
	}
	ends.Each(func(e kadm.ListedOffset) {
		start, _ := starts.Lookup(x.Name, e.Partition)
		next, known := x.at.next[e.Partition]
		switch {
		case !known:
			next = max(start.Offset, e.Offset-backRecords)
		case next < start.Offset:
			missing = append(missing, fmt.Sprintf("%d records of partition %d of the topic %s of cluster %s were gone before they were read", start.Offset-next, e.Partition, x.Name, x.Cluster))
			next = start.Offset
		case next > e.Offset && first:
			next = e.Offset // it was cut off
		}
		x.at.next[e.Partition] = next
		if _, reads := x.ends[e.Partition]; !reads {
			assign[e.Partition] = kgo.NewOffset().At(next)
		}
		x.ends[e.Partition] = e.Offset
	})
	if len(assign) > 0 {
		x.client.AddConsumePartitions(map[string]map[int32]kgo.Offset{x.Name: assign})
	}
	return missing, nil
}

func (x *reader) behind() bool {
	for n, end := range x.ends {
		if x.at.next[n] < end {
			return true
		}
	}
	return false
}

// poll reads up to the ends, or as far as the bounds and the time allow. What is read is in the journal before the next
// is.
func (x *reader) poll(ctx context.Context) (missing []string, err error) {
	for records, bytes := 0, 0; records < mostRecords && bytes < mostRecordBytes && x.behind(); {
		fetches := x.client.PollRecords(ctx, mostRecords-records)
		if ctx.Err() != nil && fetches.NumRecords() == 0 {
			return missing, nil // what is left is said as such
		}
		var entries []entry
		at := x.at.clone()
		fetches.EachRecord(func(r *kgo.Record) {
			if r.Offset < at.next[r.Partition] {
				return
			}
			f := &from{Topic: x.key(), ID: x.at.id[:], Partition: r.Partition, Offset: r.Offset}
			at.take(f)
			records, bytes = records+1, bytes+len(r.Value)
			entries = append(entries, x.entry(r, f))
		})
		x.unpack.Read()
		if len(entries) > 0 {
			if err := x.journal.appendEntries(ctx, entries); err != nil {
				return missing, err // they are read again
			}
			x.at = at
		}
		passed, err := x.failed(fetches)
		missing = append(missing, passed...)
		if err != nil {
			return missing, err
		}
	}
	return missing, nil
}

// entry is what a record is in the journal. One that is no event keeps its place alone.
func (x *reader) entry(r *kgo.Record, f *from) entry {
	if r.Attrs.IsControl() {
		return entry{From: f}
	}
	e, _, err := runevent.Parse(r.Value)
	if err != nil {
		l := deadletter.Letter{Index: -1, Topic: x.key(), Partition: r.Partition, Offset: r.Offset}
		l.Describe(r.Value, err)
		x.refused(l)
		return entry{From: f}
	}
	return entry{Event: e, From: f}
}

// failed says what could not be read, and passes batches that never can be.
func (x *reader) failed(fetches kgo.Fetches) (missing []string, err error) {
	fetches.EachError(func(_ string, n int32, cause error) {
		tooLarge, is := errors.AsType[*kgo.ErrDecompressTooLarge](cause)
		switch {
		case errors.Is(cause, fetch.ErrLater), errors.Is(cause, context.DeadlineExceeded), errors.Is(cause, context.Canceled):
		case is && tooLarge.NextOffset > x.at.next[n]:
			missing = append(missing, fmt.Sprintf("a batch of partition %d of the topic %s of cluster %s was passed, up to offset %d: it can't be unpacked, or is too large then", n, x.Name, x.Cluster, tooLarge.NextOffset))
			x.at.next[n] = tooLarge.NextOffset
			x.client.SetOffsets(map[string]map[int32]kgo.EpochOffset{x.Name: {n: {Epoch: -1, Offset: tooLarge.NextOffset}}})
		default:
			err = cause
		}
	})
	return missing, err
}

// begin says up to where the topic was read: as stored, and beyond that in what the journal holds.
func (x *reader) begin(stored map[string]offsets) {
	o := stored[x.key()]
	x.at = o.clone()
	for _, e := range x.journal.due(1 << 30) {
		if e.From != nil && e.From.Topic == x.key() {
			x.at.take(e.From)
		}
	}
}

// missed is what topics did not tell.
func (s *source) missed() (all []string) {
	for _, x := range s.readers {
		x.mu.Lock()
		all = append(all, x.missing...)
		x.mu.Unlock()
	}
	return all
}

func encodeOffsets(topic string, o offsets) (e varint.Encoder) {
	e.Uint(positionsVersion)
	e.String(topic)
	e.String(string(o.id[:]))
	e.Uint(uint64(len(o.next)))
	for _, n := range slices.Sorted(maps.Keys(o.next)) {
		e.Uint(uint64(n))
		e.Int(o.next[n])
	}
	return e
}

func decodeOffsets(d *varint.Decoder) (topic string, o offsets) {
	topic = d.String()
	if id := d.String(); copy(o.id[:], id) != len(id) {
		d.Fail()
	}
	o.next = map[int32]int64{}
	for range d.Count() {
		n := int32(d.Uint())
		o.next[n] = d.Int()
	}
	return topic, o
}

// saveOffsets saves up to where topics are observed.
func (s *source) saveOffsets(put func(string, varint.Encoder)) {
	for _, topic := range slices.Sorted(maps.Keys(s.moved)) {
		put(topicPrefix+topic, encodeOffsets(topic, s.offsets[topic]))
	}
	clear(s.moved)
}

func (s *source) tellMissed(o *lineage.Observation) {
	if all := s.missed(); len(all) > 0 {
		const part = 0.5 // nobody knows of which
		o.Missing = append(o.Missing, lineage.Missing{Share: part, Reason: strings.Join(all, "; ")})
	}
}

// stored reads up to where topics are observed.
func stored(ctx context.Context, sink collector.Sink) (map[string]offsets, error) {
	positions, err := sink.Positions(ctx, lineage.Source{Cluster: Name, Name: Part})
	if err != nil {
		return nil, fmt.Errorf("read positions of topics: %w", err)
	}
	out := map[string]offsets{}
	for key, value := range positions {
		if !strings.HasPrefix(key, topicPrefix) {
			continue
		}
		d := varint.Decoder{Left: value}
		d.Version(positionsVersion)
		topic, o := decodeOffsets(&d)
		if done(&d, value) == nil { // else the source says so, and it is read from what is kept of it
			out[topic] = o
		}
	}
	return out, nil
}
