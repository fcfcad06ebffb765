package headers

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/collector/ask"
)

const (
	// requestBytes bounds what one Fetch asks for; a broker sends the first batch whole, however large it is.
	requestBytes   = 1 << 20
	partitionBytes = 256 << 10
	// leadersCadence is how often leaders are asked for when nothing failed.
	leadersCadence = 5 * time.Minute
	// ahead is how much faster than the budget a round may read, so that it ends within the tick.
	ahead = 2
)

// reader fetches batches, as bytes. It asks with plain requests that never wait, of leaders only, each broker one at a
// time, and nothing runs between rounds.
type reader struct {
	client  *kgo.Client
	budget  int64 // bytes a second and broker
	leaders map[string][]int32
	brokers []int32
	asked   time.Time // for leaders
	stale   bool
	purses  map[int32]int64 // what each broker may still send, below zero where a batch was larger than that
	first   int             // of the partitions, the one that is asked for first
}

func newReader(client *kgo.Client, budget int64) *reader {
	return &reader{client: client, budget: budget, leaders: map[string][]int32{}, purses: map[int32]int64{}, stale: true}
}

// read reads what is new in topics, as far as the budget and the time go. An error says that nothing at all could be
// read.
func (s *source) read(ctx context.Context, books []*book) error {
	behind := slices.ContainsFunc(books, func(b *book) bool { return b.ends != nil && b.rest() > 0 })
	if !behind {
		return nil
	}
	if s.reader == nil {
		client, err := s.cfg.Client()
		if err != nil {
			return fmt.Errorf("make a client: %w", err)
		}
		s.reader = newReader(client, s.cfg.Budget)
	}
	r := s.reader
	if err := r.lead(ctx, books); err != nil {
		return err
	}
	r.pay(s.cfg.Interval)
	until := time.Now().Add(s.cfg.Interval * 7 / 10)
	if d, ok := ctx.Deadline(); ok && d.Before(until) {
		until = time.Now().Add(time.Until(d) * 8 / 10)
	}
	began, spent := time.Now(), int64(0)
	for time.Now().Before(until) && ctx.Err() == nil {
		got, further, err := r.fetch(ctx, until, books)
		if err != nil {
			return err
		}
		if !further {
			break
		}
		// the slowest pace at which the budget of the tick is spent within it
		spent += got
		pause := time.Until(began.Add(time.Duration(float64(spent) / float64(cmp.Or(s.cfg.ahead, ahead)*r.budget) * float64(time.Second))))
		select {
		case <-ctx.Done():
		case <-time.After(min(pause, time.Until(until))):
		}
	}
	return nil
}

// pay gives each broker the budget of a tick. What was left of the one before stays, once: so a burst may be caught up
// with.
func (r *reader) pay(tick time.Duration) {
	wage := int64(float64(r.budget) * tick.Seconds())
	for _, b := range r.brokers {
		r.purses[b] = min(r.purses[b]+wage, 2*wage)
	}
}

// lead asks who leads the topics' partitions, where that is not known.
func (r *reader) lead(ctx context.Context, books []*book) error {
	fresh := r.stale || time.Since(r.asked) >= leadersCadence
	for _, b := range books {
		fresh = fresh || len(r.leaders[b.topic.Name]) < len(b.parts)
	}
	if !fresh {
		return nil
	}
	req := kmsg.NewPtrMetadataRequest()
	for _, b := range books {
		rt := kmsg.NewMetadataRequestTopic()
		rt.Topic = new(b.topic.Name)
		req.Topics = append(req.Topics, rt)
	}
	resp, err := req.RequestWith(ctx, r.client)
	if err != nil {
		return ask.Plain(err)
	}
	r.asked, r.stale, r.brokers = time.Now(), false, r.brokers[:0]
	for _, b := range resp.Brokers {
		r.brokers = append(r.brokers, b.NodeID)
	}
	slices.Sort(r.brokers)
	for _, rt := range resp.Topics {
		if rt.Topic == nil || rt.ErrorCode != 0 {
			continue
		}
		var leaders []int32
		for _, p := range rt.Partitions {
			for int(p.Partition) >= len(leaders) {
				leaders = append(leaders, -1)
			}
			leaders[p.Partition] = p.Leader
		}
		r.leaders[*rt.Topic] = leaders
	}
	return nil
}

// leader returns who leads a partition, -1: nobody, or it is not known.
func (r *reader) leader(topic string, partition int) int32 {
	if l := r.leaders[topic]; partition < len(l) {
		return l[partition]
	}
	return -1
}

// fetch asks each leader once for what is left to look at, and reports how much the one that sent most has sent, and
// whether any partition came further.
func (r *reader) fetch(ctx context.Context, until time.Time, books []*book) (most int64, further bool, err error) {
	reqs := r.requests(books)
	if len(reqs) == 0 {
		return 0, false, nil
	}
	within, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	var failed error
	answers, down := ask.Each(within, r.client, reqs), 0
	for _, a := range answers {
		if a.Err != nil {
			failed, r.stale = a.Err, true
			down++
			continue
		}
		got, moved := r.answered(a.Resp.(*kmsg.FetchResponse), books)
		r.purses[a.Broker] -= got
		most, further = max(most, got), further || moved
	}
	if down == len(answers) {
		return 0, false, failed
	}
	return most, further, nil
}

// requests are the next Fetches, by broker. The partitions are begun with in turn, so that where the budget falls short
// it is not always the same that are passed.
func (r *reader) requests(books []*book) map[int32]*kmsg.FetchRequest {
	reqs := map[int32]*kmsg.FetchRequest{}
	r.first++
	for i := range books {
		b := books[(i+r.first)%len(books)]
		for j := range b.parts {
			part := (j + r.first) % len(b.parts)
			leader := r.leader(b.topic.Name, part)
			if b.denied != "" && b.asked || b.behind(part) == 0 || leader < 0 || r.purses[leader] <= 0 {
				r.stale = r.stale || leader < 0
				continue
			}
			req := reqs[leader]
			if req == nil {
				req = kmsg.NewPtrFetchRequest()
				req.MaxWaitMillis, req.MinBytes, req.MaxBytes = 0, 0, int32(min(r.purses[leader], requestBytes))
				reqs[leader] = req
			}
			if n := len(req.Topics); n == 0 || req.Topics[n-1].TopicID != b.topic.ID {
				rt := kmsg.NewFetchRequestTopic()
				rt.Topic, rt.TopicID = b.topic.Name, b.topic.ID
				req.Topics = append(req.Topics, rt)
			}
			rp := kmsg.NewFetchRequestTopicPartition()
			rp.Partition, rp.FetchOffset, rp.PartitionMaxBytes = int32(part), b.parts[part].next, partitionBytes
			rt := &req.Topics[len(req.Topics)-1]
			rt.Partitions = append(rt.Partitions, rp)
		}
	}
	return reqs
}

// answered takes one broker's answer.
func (r *reader) answered(resp *kmsg.FetchResponse, books []*book) (bytes int64, further bool) {
	if resp.ErrorCode != 0 {
		r.stale = true
	}
	for i := range resp.Topics {
		rt := &resp.Topics[i]
		at := slices.IndexFunc(books, func(b *book) bool {
			return rt.Topic == b.topic.Name || rt.Topic == "" && rt.TopicID == b.topic.ID
		})
		if at < 0 {
			continue
		}
		for j := range rt.Partitions {
			rp := &rt.Partitions[j]
			if int(rp.Partition) >= len(books[at].parts) {
				continue
			}
			bytes += int64(len(rp.RecordBatches))
			further = r.partition(books[at], rp) || further
		}
	}
	return bytes, further && resp.ThrottleMillis == 0
}

// partition takes what an answer has of a partition, and reports whether that came further.
func (r *reader) partition(b *book, rp *kmsg.FetchResponseTopicPartition) bool {
	i := int(rp.Partition)
	b.asked = true
	switch {
	case rp.ErrorCode == 0:
		b.denied = ""
		return b.take(i, rp.RecordBatches)
	case ask.Denied(rp.ErrorCode):
		b.denied = "READ on the topic is missing"
	case rp.ErrorCode == kerr.OffsetOutOfRange.Code:
		b.spoil("records were gone before they were looked at")
		return b.pass(i, b.ends[i])
	default:
		r.stale = true
	}
	return false
}
