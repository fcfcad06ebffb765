package mirror

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/collector/ask"
)

// What one round may read, of all topics. A steady MirrorMaker 2 writes one heartbeat a second and, each minute, one
// offset of about 100 bytes for each partition that moved: the budget is for catching up at the start.
const (
	roundBytes     = 4 << 20
	roundRecords   = 50_000
	requestBytes   = 1 << 20
	partitionBytes = 256 << 10
	// metadataCadence is how often leaders are asked for when nothing failed.
	metadataCadence = 5 * time.Minute
	// hiddenCadence is the like while a topic may not be seen, so that a right that is granted shows soon.
	hiddenCadence = time.Minute
)

// readCommitted is the isolation level of all requests: with exactly-once MirrorMaker 2 writes its offsets in
// transactions, and those of one that is aborted were never copied.
const readCommitted = 1

// tail reads topics to their ends, round by round, without a group. It asks with plain Fetch requests that never wait,
// so that a round costs one for each broker that leads a partition, and nothing runs between rounds. It is not safe for
// concurrent use.
type tail struct {
	client     *kgo.Client
	decompress kgo.Decompressor
	topics     map[string]*tailed
	asked      time.Time // when leaders were last asked for
	stale      bool      // a leader has changed
	down       error     // why a broker did not answer in the newest round

	spent spent // in the newest round
}

// spent is what reading has cost.
type spent struct{ requests, bytes, records int }

// tailed is one topic that is read.
type tailed struct {
	id    [16]byte
	depth int64 // how many records are read at first; 0: all
	parts []tailedPartition
	err   error // why it could not be read in the newest round
	// hidden is why it has no leaders, as of when they were last asked for: errDenied or errGone.
	hidden error
	cut    bool // reading began after the start
	// whole: all its partitions have been read to the end as it was in the newest round.
	whole bool
}

type tailedPartition struct {
	leader int32     // -1: none
	next   int64     // offset to read next; -1: not known where to begin
	end    int64     // of what is committed; -1: not known
	asked  bool      // in this round
	first  time.Time // of the record at offset 0; zero when that was not read
}

func newTail(client *kgo.Client) *tail {
	return &tail{client: client, decompress: newUnpacker(), topics: map[string]*tailed{}, stale: true}
}

// behind reports whether something is left to read.
func (p *tailedPartition) behind() bool {
	return p.leader >= 0 && p.next >= 0 && (!p.asked || p.next < p.end)
}

// began reports whether all that was ever written to a topic was written after an instant, as shows where the first
// record is still there.
func (tp *tailed) began(after time.Time) bool {
	return len(tp.parts) > 0 && !slices.ContainsFunc(tp.parts, func(p tailedPartition) bool { return p.end != 0 && !p.first.After(after) })
}

// read reads what is new in the topics of want, a depth each, and gives it to each, in order within a partition.
// restarted is called first for a topic whose records are to be forgotten: it was made anew. What could not be read is
// in the topics' err.
func (t *tail) read(ctx context.Context, want map[string]int64, restarted func(topic string), each func(topic string, r *kgo.Record)) {
	fresh, cadence := false, metadataCadence
	t.down = nil
	for name, depth := range want {
		if t.topics[name] == nil {
			t.topics[name] = &tailed{depth: depth}
			fresh = true
		}
		tp := t.topics[name]
		if tp.err, tp.whole = tp.hidden, false; tp.hidden != nil {
			cadence = hiddenCadence
		}
		for i := range tp.parts {
			tp.parts[i].asked = false
		}
	}
	if len(t.topics) == 0 {
		return
	}
	if fresh || t.stale || time.Since(t.asked) >= cadence {
		if err := t.leaders(ctx, restarted); err != nil {
			t.fail(err)
			return
		}
	}
	t.begin(ctx)
	for t.spent.bytes < roundBytes && t.spent.records < roundRecords && ctx.Err() == nil {
		if !t.fetch(ctx, each) {
			break
		}
	}
	for _, tp := range t.topics {
		tp.whole = tp.err == nil && len(tp.parts) > 0
		for i := range tp.parts {
			p := &tp.parts[i]
			tp.whole = tp.whole && p.asked && p.next >= p.end
			if tp.err == nil && p.leader < 0 {
				tp.err, t.stale = errors.New("partitions without a leader"), true
			}
		}
	}
}

// fail says for all topics why they could not be read.
func (t *tail) fail(err error) {
	for _, tp := range t.topics {
		tp.err = err
	}
	t.stale, t.down = true, err
}

// failed notes why a topic could not be read. Most reasons pass when its leaders are asked for again; a missing right
// does not.
func (t *tail) failed(tp *tailed, err error) {
	tp.err = err
	t.stale = t.stale || !errors.Is(err, errDenied)
}

// drop stops reading a topic.
func (t *tail) drop(name string) { delete(t.topics, name) }

// leaders asks who leads the topics' partitions.
func (t *tail) leaders(ctx context.Context, restarted func(string)) error {
	req := kmsg.NewPtrMetadataRequest()
	for _, name := range slices.Sorted(maps.Keys(t.topics)) {
		rt := kmsg.NewMetadataRequestTopic()
		rt.Topic = new(name)
		req.Topics = append(req.Topics, rt)
	}
	t.spent.requests++
	resp, err := req.RequestWith(ctx, t.client)
	if err != nil {
		return ask.Plain(err)
	}
	t.asked, t.stale = time.Now(), false
	for _, rt := range resp.Topics {
		if rt.Topic == nil || t.topics[*rt.Topic] == nil {
			continue
		}
		tp := t.topics[*rt.Topic]
		tp.hidden = nil
		if tp.err = codeError(rt.ErrorCode); tp.err != nil {
			if errors.Is(tp.err, errDenied) || errors.Is(tp.err, errGone) {
				tp.hidden = tp.err
			} else {
				t.stale = true
			}
			continue
		}
		if tp.id != rt.TopicID {
			if tp.parts != nil {
				restarted(*rt.Topic)
			}
			tp.id, tp.parts, tp.cut = rt.TopicID, nil, false
		}
		for _, p := range rt.Partitions {
			for int(p.Partition) >= len(tp.parts) {
				tp.parts = append(tp.parts, tailedPartition{leader: -1, next: -1, end: -1})
			}
			tp.parts[p.Partition].leader = p.Leader
		}
	}
	return nil
}

// begin asks for the ends of the logs where reading has not begun.
func (t *tail) begin(ctx context.Context) {
	type ends struct{ first, last int64 }
	found := map[*tailedPartition]*ends{}
	for _, timestamp := range []int64{-2, -1} { // earliest, latest: one request may not ask for both of one partition
		reqs := map[int32]*kmsg.ListOffsetsRequest{}
		for name, tp := range t.topics {
			for i := range tp.parts {
				if p := &tp.parts[i]; tp.err == nil && p.leader >= 0 && p.next < 0 {
					if found[p] == nil {
						found[p] = &ends{-1, -1}
					}
					addList(reqs, p.leader, name, int32(i), timestamp)
				}
			}
		}
		t.ask(ctx, requests(reqs), func(resp kmsg.Response) {
			for _, rt := range resp.(*kmsg.ListOffsetsResponse).Topics {
				tp := t.topics[rt.Topic]
				for _, rp := range rt.Partitions {
					if tp == nil || int(rp.Partition) >= len(tp.parts) {
						continue
					}
					if err := codeError(rp.ErrorCode); err != nil {
						t.failed(tp, err)
					} else if e := found[&tp.parts[rp.Partition]]; e == nil {
						continue
					} else if timestamp == -2 {
						e.first = rp.Offset
					} else {
						e.last = rp.Offset
					}
				}
			}
		})
	}
	for _, tp := range t.topics {
		var lengths []int64
		for i := range tp.parts {
			p := &tp.parts[i]
			if e := found[p]; e != nil && e.first >= 0 && e.last >= 0 {
				p.next, p.end = e.first, e.last
				lengths = append(lengths, e.last-e.first)
			}
		}
		if tp.depth == 0 || len(lengths) == 0 {
			continue
		}
		most := share(lengths, tp.depth)
		for i := range tp.parts {
			if p := &tp.parts[i]; found[p] != nil && p.end-most > p.next {
				p.next, tp.cut = p.end-most, true
			}
		}
	}
}

// share returns how many records may be read of each of several logs, so that together they are no more than total:
// what the short ones leave is the long ones'.
func share(lengths []int64, total int64) int64 {
	slices.Sort(lengths)
	for i, n := range lengths {
		if most := total / int64(len(lengths)-i); n > most {
			return most
		}
		total -= n
	}
	return lengths[len(lengths)-1]
}

func addList(reqs map[int32]*kmsg.ListOffsetsRequest, leader int32, topic string, partition int32, timestamp int64) {
	req := reqs[leader]
	if req == nil {
		req = kmsg.NewPtrListOffsetsRequest()
		req.ReplicaID, req.IsolationLevel = -1, readCommitted
		reqs[leader] = req
	}
	if n := len(req.Topics); n == 0 || req.Topics[n-1].Topic != topic {
		rt := kmsg.NewListOffsetsRequestTopic()
		rt.Topic = topic
		req.Topics = append(req.Topics, rt)
	}
	rp := kmsg.NewListOffsetsRequestTopicPartition()
	rp.Partition, rp.Timestamp, rp.CurrentLeaderEpoch = partition, timestamp, -1
	rt := &req.Topics[len(req.Topics)-1]
	rt.Partitions = append(rt.Partitions, rp)
}

// fetch asks each leader once for what is left to read, and reports whether it asked and something is left.
func (t *tail) fetch(ctx context.Context, each func(string, *kgo.Record)) bool {
	reqs, names := map[int32]*kmsg.FetchRequest{}, map[[16]byte]string{}
	for name, tp := range t.topics {
		names[tp.id] = name
		for i := range tp.parts {
			if p := &tp.parts[i]; tp.err == nil && p.behind() {
				addFetch(reqs, p, name, tp.id, int32(i))
			}
		}
	}
	moved := false
	t.ask(ctx, requests(reqs), func(resp kmsg.Response) {
		if t.answered(resp.(*kmsg.FetchResponse), names, each) {
			moved = true
		}
	})
	left := false
	for _, tp := range t.topics {
		for i := range tp.parts {
			p := &tp.parts[i]
			left = left || tp.err == nil && p.asked && p.behind()
		}
	}
	return left && moved
}

// answered takes one broker's answer, and reports whether to ask on in this round. A broker that throttles us answers
// without data and without partitions: what it holds is read in the next round.
func (t *tail) answered(r *kmsg.FetchResponse, names map[[16]byte]string, each func(string, *kgo.Record)) bool {
	if codeError(r.ErrorCode) != nil {
		t.stale = true
	}
	listed, size := 0, 0
	for i := range r.Topics {
		for j := range r.Topics[i].Partitions {
			listed, size = listed+1, size+len(r.Topics[i].Partitions[j].RecordBatches)
		}
	}
	for i := range r.Topics {
		name := r.Topics[i].Topic
		if name == "" {
			name = names[r.Topics[i].TopicID]
		}
		for j := range r.Topics[i].Partitions {
			t.fetched(name, &r.Topics[i].Partitions[j], size == 0, each)
		}
	}
	return listed > 0 && r.ThrottleMillis == 0
}

func addFetch(reqs map[int32]*kmsg.FetchRequest, p *tailedPartition, name string, id [16]byte, partition int32) {
	req := reqs[p.leader]
	if req == nil {
		req = kmsg.NewPtrFetchRequest()
		req.MaxWaitMillis, req.MinBytes, req.MaxBytes, req.IsolationLevel = 0, 0, requestBytes, readCommitted
		reqs[p.leader] = req
	}
	if n := len(req.Topics); n == 0 || req.Topics[n-1].Topic != name {
		rt := kmsg.NewFetchRequestTopic()
		rt.Topic, rt.TopicID = name, id
		req.Topics = append(req.Topics, rt)
	}
	rp := kmsg.NewFetchRequestTopicPartition()
	rp.Partition, rp.FetchOffset, rp.PartitionMaxBytes = partition, p.next, partitionBytes
	rt := &req.Topics[len(req.Topics)-1]
	rt.Partitions = append(rt.Partitions, rp)
}

// fetched takes one partition of an answer. empty says that the answer held no data at all: a broker sends at least one
// batch where there is one, so what lay before the end is compacted away.
func (t *tail) fetched(name string, rp *kmsg.FetchResponseTopicPartition, empty bool, each func(string, *kgo.Record)) {
	tp := t.topics[name]
	if tp == nil || int(rp.Partition) >= len(tp.parts) {
		return
	}
	p := &tp.parts[rp.Partition]
	switch rp.ErrorCode {
	case 0:
	case kerr.OffsetOutOfRange.Code:
		p.next = -1 // cut off meanwhile: begin anew in the next round
		tp.err = codeError(rp.ErrorCode)
		return
	default:
		t.failed(tp, codeError(rp.ErrorCode))
		return
	}
	t.spent.bytes += len(rp.RecordBatches)
	got, next := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{Offset: p.next, Topic: name, Partition: rp.Partition, IsolationLevel: kgo.ReadCommitted()}, rp, t.decompress, nil)
	for _, r := range got.Records {
		if r.Offset == 0 {
			p.first = r.Timestamp
		}
		each(name, r)
	}
	t.spent.records += len(got.Records)
	if next <= p.next && len(rp.RecordBatches) > 0 {
		next = max(next, afterBatch(rp.RecordBatches)) // a batch that can't be read must not hold the topic for ever
		if got.Err != nil {
			each(name, nil)
		}
	}
	p.asked, p.end, p.next = true, rp.LastStableOffset, max(p.next, next)
	if empty {
		p.next = max(p.next, p.end)
	}
}

// afterBatch returns the offset behind the first batch: base offset and last offset delta stand at fixed places of a
// record batch (format 2).
func afterBatch(b []byte) int64 {
	if len(b) < 27 {
		return -1
	}
	return int64(binary.BigEndian.Uint64(b)) + int64(int32(binary.BigEndian.Uint32(b[23:]))) + 1
}

// requests makes the map that ask wants.
func requests[R kmsg.Request](in map[int32]R) map[int32]kmsg.Request {
	out := map[int32]kmsg.Request{}
	for id, r := range in {
		out[id] = r
	}
	return out
}

// ask sends one request to each of the brokers at the same time, and calls each with the answers, one after another.
// The topics of a broker that did not answer are failed.
func (t *tail) ask(ctx context.Context, reqs map[int32]kmsg.Request, each func(kmsg.Response)) {
	answers := ask.Each(ctx, t.client, reqs)
	t.spent.requests += len(answers)
	for _, a := range answers {
		if a.Err == nil {
			each(a.Resp)
			continue
		}
		t.stale, t.down = true, a.Err
		for _, tp := range t.topics {
			for i := range tp.parts {
				if tp.parts[i].leader == a.Broker {
					tp.err = t.down
				}
			}
		}
	}
}

var (
	errDenied = errors.New("not permitted") // to see or read the topic
	errGone   = errors.New("there is no such topic")
)

// codeError returns the error of a response's code; nil for none.
func codeError(code int16) error {
	switch err := kerr.ErrorForCode(code); {
	case err == nil:
		return nil
	case ask.Denied(code):
		return errDenied
	case code == kerr.UnknownTopicOrPartition.Code:
		return errGone
	default:
		return fmt.Errorf("the broker answered %s", strings.TrimSpace(kerr.TypedErrorForCode(code).Message))
	}
}
