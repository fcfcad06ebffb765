package acceptance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/internal/kafkatest"
)

// small is a small world, after what people report of other tools, in which a group's offsets do not say what was read.
type small struct {
	name string
	do   func(x smallWorld)
	read int64 // in truth
	lag  *int64
	rest bool // nothing was ever read: it may not be active, and a count may not be but zero
	set  bool // an event says that offsets were set
}

// smallWorld is one small world's topic and group, of its name.
type smallWorld struct {
	t       *testing.T
	c       *kafkatest.Cluster
	s       *server
	admin   *kadm.Client
	name    string
	writers *kgo.Client
}

// Worlds in which offsets are set: what is said to be read is the truth or a bound that holds it, no record is said to
// be lost, and a lag is right or not told.
func TestOffsetsThatAreSet(t *testing.T) {
	t.Parallel()
	const interval = 4 * time.Second
	c := kafkatest.Shared(t, kafkatest.Options{})
	worlds := []small{
		{name: "beyond", read: 50, set: true, do: func(x smallWorld) {
			x.write(50)
			x.member(50).Close()
			x.ticks(2)
			x.commit(5000, -1)
		}},
		{name: "imported", rest: true, set: true, do: func(x smallWorld) { x.commit(700, -1) }},
		{name: "left", read: 80, lag: new(int64), set: true, do: func(x smallWorld) {
			x.write(200)
			reader := x.member(30)
			x.ticks(2)
			x.read(reader, 50)
			reader.Close()
			x.commit(200, -1)
		}},
		{name: "seek", read: 30, lag: new(int64), do: func(x smallWorld) {
			x.write(30)
			x.member(30).Close()
			x.ticks(2)
			x.write(40)
			x.commit(70, 0) // with a leader epoch, as by rpk group seek
		}},
	}
	for _, w := range worlds {
		c.CreateTopic(t, "set-"+w.name, 1)
	}
	s := watch(t, c, "west", interval)
	for _, w := range worlds {
		s.knows(t, "topic:west/set-"+w.name)
	}
	s.waitRound(t, "west", time.Now())
	begin := time.Now()
	for _, w := range worlds {
		w.do(smallWorld{t, c, s, c.Admin(t), "set-" + w.name, c.Client(t)})
	}
	s.waitRound(t, "west", time.Now().Add(2*interval))
	window := between(begin, time.Now())
	for _, w := range worlds {
		topic := "topic:west/set-" + w.name
		if types := s.eventTypes(t, topic, window); slices.Contains(types, "RECORDS_LOST") || slices.Contains(types, "OFFSETS_SET") != w.set {
			t.Errorf("%s: events %q", w.name, types)
		}
		f := s.lineage(t, topic, window).flow(t, topic, "application:west/set-"+w.name)
		if err := errors.Join(w.wrong(f)...); err != nil {
			t.Errorf("%s: %v", w.name, err)
		}
	}
}

// wrong says what is wrong with what is said of the world's reader.
func (w small) wrong(f flow) (all []error) {
	switch {
	case w.rest:
		if f.Active != nil && *f.Active || f.Records != nil && *f.Records != 0 {
			all = append(all, fmt.Errorf("active is %v, %v records, where nothing was read", valueOf(f.Active), valueOf(f.Records)))
		}
	case f.Records == nil || *f.Records < w.read || *f.Records > w.read && !f.Estimated:
		all = append(all, fmt.Errorf("%v records, estimated %v: %s; in truth %d", valueOf(f.Records), f.Estimated, f.details(), w.read))
	}
	if (f.Lag == nil) != (w.lag == nil) || f.Lag != nil && *f.Lag != *w.lag {
		all = append(all, fmt.Errorf("lag %v, want %v", valueOf(f.Lag), valueOf(w.lag)))
	}
	return all
}

// write appends n records.
func (x smallWorld) write(n int) {
	x.t.Helper()
	for range n {
		if err := x.writers.ProduceSync(x.t.Context(), &kgo.Record{Topic: x.name, Value: []byte("x")}).FirstErr(); err != nil {
			x.t.Fatal(err)
		}
	}
}

// member joins the group from the topic's start, and reads n records.
func (x smallWorld) member(n int) *kgo.Client {
	x.t.Helper()
	reader := x.c.Client(x.t, kgo.ConsumerGroup(x.name), kgo.ConsumeTopics(x.name), kgo.DisableAutoCommit(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	x.read(reader, n)
	return reader
}

// read reads n more records and commits.
func (x smallWorld) read(reader *kgo.Client, n int) {
	x.t.Helper()
	ctx, cancel := context.WithTimeout(x.t.Context(), 30*time.Second)
	defer cancel()
	for n > 0 {
		fetches := reader.PollRecords(ctx, n)
		if err := fetches.Err0(); err != nil {
			x.t.Fatal(err)
		}
		if n -= fetches.NumRecords(); fetches.NumRecords() > 0 {
			if err := reader.CommitRecords(ctx, fetches.Records()...); err != nil {
				x.t.Fatal(err)
			}
		}
	}
}

// commit sets the group's offset, as an administrator does. epoch is -1 where none is said.
func (x smallWorld) commit(offset int64, epoch int32) {
	x.t.Helper()
	offsets := kadm.Offsets{}
	offsets.Add(kadm.Offset{Topic: x.name, At: offset, LeaderEpoch: epoch})
	eventually(x.t, 20*time.Second, "offsets can be set", func() error { return x.admin.CommitAllOffsets(x.t.Context(), x.name, offsets) })
}

// ticks waits for n rounds.
func (x smallWorld) ticks(n int) {
	x.t.Helper()
	for range n {
		x.s.waitRound(x.t, "west", time.Now())
	}
}
