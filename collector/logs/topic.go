package logs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/collector/ask"
	"github.com/lineaged/lineaged/collector/fetch"
	"github.com/lineaged/lineaged/internal/unpack"
	"github.com/lineaged/lineaged/internal/varint"
	"github.com/lineaged/lineaged/lineage"
)

const (
	// backRecords is how many records of a partition are read that were there before anything was followed.
	backRecords = 20_000
	// fetchBytes bounds what is fetched ahead, of each broker and of each partition.
	fetchBytes     = 8 << 20
	partitionBytes = 2 << 20
)

// topic is the input of a topic: a consumer without a group, so that nothing is left in the cluster, and positions of
// our own.
type topic struct {
	name   string
	whole  bool // a record is one, whatever line breaks are in it
	dial   func(opts ...kgo.Opt) (*kgo.Client, error)
	client *kgo.Client     // nil: not made
	unpack *fetch.Unpacker // the client's

	id    kadm.TopicID
	parts map[int32]*part
	gone  []string
	first bool
}

// part is one partition.
type part struct {
	next    int64 // offset to read next
	end     int64 // of the log, as of this round
	reading bool  // the client has it
	dirty   bool
}

func newTopicInput(cfg Config) *topic {
	return &topic{name: cfg.Topic, whole: cfg.Audit, dial: cfg.Client, parts: map[int32]*part{}}
}

func (x *topic) close() {
	if x.client != nil {
		x.client.Close()
	}
	x.client = nil
	for _, p := range x.parts {
		p.reading = false
	}
}

// restore implements input.
func (x *topic) restore(positions map[string][]byte, first bool, leave func(key string, err error)) {
	x.close()
	x.parts, x.gone, x.first, x.id = map[int32]*part{}, nil, first, kadm.TopicID{}
	for key, value := range positions {
		n, is := strings.CutPrefix(key, partPrefix)
		if !is {
			continue
		}
		number, err := strconv.ParseInt(n, 10, 32)
		p, id := &part{}, kadm.TopicID{}
		if err == nil {
			err = unseal(value, func(d *varint.Decoder) {
				if text := d.String(); copy(id[:], text) != len(text) {
					d.Fail()
				}
				if p.next = d.Int(); p.next < 0 {
					d.Fail()
				}
			})
		}
		if err != nil {
			leave(key, err)
			p.next = -1 // goes on at its end: what is before may have been read
		} else {
			x.id = id
		}
		x.parts[int32(number)] = p
	}
}

// save implements input.
func (x *topic) save() (all []lineage.Position) {
	for _, key := range x.gone {
		all = append(all, lineage.Position{Key: key})
	}
	x.gone = nil
	for _, n := range slices.Sorted(maps.Keys(x.parts)) {
		if p := x.parts[n]; p.dirty {
			all = append(all, lineage.Position{Key: partKey(n), Value: seal(func(e *varint.Encoder) {
				e.String(string(x.id[:]))
				e.Int(p.next)
			})})
			p.dirty = false
		}
	}
	return all
}

func partKey(n int32) string { return partPrefix + strconv.Itoa(int(n)) }

// read implements input.
func (x *topic) read(ctx context.Context, _ time.Time, b *budget, each func([]byte, when)) (r result) {
	if x.client == nil {
		x.unpack = fetch.NewUnpacker()
		client, err := x.dial(
			kgo.WithDecompressor(x.unpack), kgo.FetchMaxBytes(fetchBytes), kgo.FetchMaxPartitionBytes(partitionBytes), kgo.MaxConcurrentFetches(2), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.KeepControlRecords(),
		)
		if err != nil {
			return result{err: err}
		}
		x.client = client
	}
	if err := x.ends(ctx, &r); err != nil {
		return result{err: err}
	}
	if x.client != nil {
		x.poll(ctx, b, each, &r)
	}
	left := int64(0)
	for _, p := range x.parts {
		left += max(0, p.end-p.next)
	}
	if left > 0 {
		r.missing = append(r.missing, fmt.Sprintf("%d records of the topic %s wait to be read", left, x.name))
	}
	if len(r.missing) > 0 {
		r.share = 0.5 // nobody knows of which part of what they tell
	}
	return r
}

// ends asks where the partitions begin and end, and begins with those that are new.
func (x *topic) ends(ctx context.Context, r *result) error {
	admin := kadm.NewClient(x.client)
	list, err := admin.ListTopics(ctx, x.name)
	if err != nil {
		return ask.Plain(err)
	}
	t := list[x.name]
	if t.Err != nil {
		return fmt.Errorf("topic %s: %w", x.name, t.Err)
	}
	if x.id != t.ID && x.id != (kadm.TopicID{}) {
		x.close()
		for n := range x.parts {
			x.gone = append(x.gone, partKey(n))
		}
		x.parts, x.id = map[int32]*part{}, t.ID // from its beginning, with the next round
		r.missing = append(r.missing, "the topic "+x.name+" was deleted and made anew, and what was left of it to read is gone")
		return nil
	}
	x.id = t.ID
	ends, err := admin.ListCommittedOffsets(ctx, x.name)
	if err == nil {
		err = ends.Error()
	}
	var starts kadm.ListedOffsets
	if err == nil {
		if starts, err = admin.ListStartOffsets(ctx, x.name); err == nil {
			err = starts.Error()
		}
	}
	if err != nil {
		return ask.Plain(err)
	}
	assign := map[int32]kgo.Offset{}
	ends.Each(func(e kadm.ListedOffset) {
		start, _ := starts.Lookup(x.name, e.Partition)
		p := x.parts[e.Partition]
		if p == nil {
			p = &part{next: start.Offset}
			if x.first {
				p.next = max(start.Offset, e.Offset-backRecords)
			}
			p.dirty = true
			x.parts[e.Partition] = p
		}
		p.end = e.Offset
		if p.next < 0 || p.next > p.end && !p.reading {
			p.next, p.dirty = p.end, true // it is not known, or was cut off
		}
		if p.next < start.Offset {
			r.missing = append(r.missing, fmt.Sprintf("%d records of partition %d of the topic %s were gone before they were read", start.Offset-p.next, e.Partition, x.name))
			p.next, p.dirty = start.Offset, true
		}
		if !p.reading {
			p.reading = true
			assign[e.Partition] = kgo.NewOffset().At(p.next)
		}
	})
	if len(assign) > 0 {
		x.client.AddConsumePartitions(map[string]map[int32]kgo.Offset{x.name: assign})
	}
	x.first = false
	return nil
}

// poll reads up to the ends, or as far as the budget and the time allow.
func (x *topic) poll(ctx context.Context, b *budget, each func([]byte, when), r *result) {
	for !b.spent() && x.behind() {
		fetches := x.client.PollRecords(ctx, min(b.left, 10_000))
		if ctx.Err() != nil && fetches.NumRecords() == 0 {
			return // what is left is said as such
		}
		broken := x.failed(fetches, b, r)
		fetches.EachRecord(func(rec *kgo.Record) {
			p := x.parts[rec.Partition]
			if p == nil || rec.Offset < p.next {
				return
			}
			p.next, p.dirty = rec.Offset+1, true
			b.spend(len(rec.Value))
			if rec.Attrs.IsControl() {
				return
			}
			if x.whole {
				each(rec.Value, when{at: rec.Timestamp})
				return
			}
			for line := range bytes.SplitSeq(rec.Value, []byte("\n")) {
				if len(line) > 0 {
					each(line, when{at: rec.Timestamp})
				}
			}
		})
		x.unpack.Read()
		if broken {
			x.close() // the next round connects anew
			return
		}
	}
}

// failed says what could not be read of what was asked for, and passes batches that never can be. broken: the client is
// of no more use.
func (x *topic) failed(fetches kgo.Fetches, b *budget, r *result) (broken bool) {
	fetches.EachError(func(_ string, n int32, err error) {
		tooLarge, is := errors.AsType[*kgo.ErrDecompressTooLarge](err)
		switch p := x.parts[n]; {
		case errors.Is(err, fetch.ErrLater): // it is asked for again
		case is && p != nil && tooLarge.NextOffset > p.next:
			r.missing = append(r.missing, fmt.Sprintf("the batch at offset %d of partition %d of the topic %s was passed, with up to %d records: it can't be unpacked, or is larger than %d MiB then",
				tooLarge.Offset, n, x.name, tooLarge.NextOffset-p.next, unpack.Limit>>20))
			p.next, p.dirty = tooLarge.NextOffset, true
			b.spend(unpack.Limit)
			x.client.SetOffsets(map[string]map[int32]kgo.EpochOffset{x.name: {n: {Epoch: -1, Offset: p.next}}})
		case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
			broken = true
		default:
			broken = true
			r.missing = append(r.missing, fmt.Sprintf("partition %d of the topic %s: %v", n, x.name, ask.Plain(err)))
		}
	})
	return broken
}

func (x *topic) behind() bool {
	for _, p := range x.parts {
		if p.next < p.end {
			return true
		}
	}
	return false
}
