package acceptance

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// script is who writes and reads what, and when: programs that start, stop and move to other topics by chance. What
// each does it writes down: that is the truth.
type script struct {
	t       *testing.T
	opts    []kgo.Opt // of the cluster
	ctx     context.Context
	stop    context.CancelFunc
	actors  sync.WaitGroup
	mu      sync.Mutex            // guards all below
	moves   map[string][]movement // by flow
	records map[string]int64      // by flow: produced and acknowledged, or read and committed
}

// movement is that records moved after from and before to, or that they may have.
type movement struct {
	span

	may bool // as a transaction's marker looks like a record
}

type span struct{ from, to time.Time }

// plain are topics whose writers nothing names, stages those on a way of programs with names, each step of which is a
// transaction of its own.
var (
	plain   = []string{"plain-a", "plain-b", "plain-c"}
	stages  = []string{"stage-0", "stage-1", "stage-2"}
	readers = []string{"reader-x", "reader-y"}
)

const sink = "sink" // reads the last stage

func topicID(name string) string { return "topic:west/" + name }
func written(by, topic string) string {
	return "application:west/" + by + "->" + topicID(topic)
}

func writtenByNobody(topic string) string {
	return "unidentified:west/" + topic + "->" + topicID(topic)
}
func readBy(topic, by string) string { return topicID(topic) + "->application:west/" + by }

// newScript makes a script and what has to be there before it begins: each reader has a position in each topic that it
// will ever read, so that where it begins is known.
func newScript(t *testing.T, opts []kgo.Opt) *script {
	t.Helper()
	s := &script{t: t, opts: opts, moves: map[string][]movement{}, records: map[string]int64{}}
	s.ctx, s.stop = context.WithCancel(t.Context())
	t.Cleanup(s.end)
	admin := kadm.NewClient(s.client())
	for group, topics := range map[string][]string{readers[0]: plain, readers[1]: plain, sink: stages[2:]} {
		var at kadm.Offsets
		for _, topic := range topics {
			at.AddOffset(topic, 0, 0, -1)
		}
		if err := admin.CommitAllOffsets(t.Context(), group, at); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// begin starts the actors. Each has its own chance, of the seed.
func (s *script) begin(seed uint64) {
	nth := uint64(0)
	act := func(topics []string, do func(ctx context.Context, topic string)) {
		nth++
		chance := rand.New(rand.NewPCG(seed, nth))
		s.actors.Go(func() { s.act(chance, topics, do) })
	}
	for i := range plain {
		// Two with idempotence and one without, on any topic: at times two write to one.
		act(plain, func(ctx context.Context, topic string) { s.write(ctx, topic, i < 2) })
	}
	for _, group := range readers {
		act(plain, func(ctx context.Context, topic string) { s.read(ctx, topic, group) })
	}
	act(stages[:1], func(ctx context.Context, topic string) { s.feed(ctx, "feeder", topic) })
	act(stages[:1], func(ctx context.Context, topic string) { s.copy(ctx, "copy-a", topic, stages[1]) })
	act(stages[:2], func(ctx context.Context, topic string) { s.copy(ctx, "copy-b", topic, stages[2]) })
	act(stages[2:], func(ctx context.Context, topic string) { s.read(ctx, topic, sink) })
}

// act does something on one topic after another, for some seconds each, and rests in between for so long that two
// rounds see it.
func (s *script) act(chance *rand.Rand, topics []string, do func(ctx context.Context, topic string)) {
	for pause(s.ctx, time.Duration(2500+chance.IntN(4000))*time.Millisecond) {
		ctx, cancel := context.WithTimeout(s.ctx, time.Duration(4000+chance.IntN(5000))*time.Millisecond)
		topic := topics[chance.IntN(len(topics))]
		do(ctx, topic)
		cancel()
	}
}

// end stops the actors. It may be called twice.
func (s *script) end() {
	s.stop()
	s.actors.Wait()
}

func (s *script) client(opts ...kgo.Opt) *kgo.Client {
	client, err := kgo.NewClient(append(slices.Clone(s.opts), opts...)...)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(client.Close)
	return client
}

// note writes down that n records of a flow moved in a span.
func (s *script) note(flow string, n int, from, to time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.moves[flow] = append(s.moves[flow], movement{span: span{from, to}, may: n == 0})
	s.records[flow] += int64(n)
}

// patience bounds what an actor does after it was told to stop: what is under way is ended and written down.
const patience = time.Minute

// write writes records one after another, each acknowledged, without a name.
func (s *script) write(ctx context.Context, topic string, idempotent bool) {
	opts := []kgo.Opt{kgo.DefaultProduceTopic(topic), kgo.ProducerLinger(0)}
	if !idempotent {
		opts = append(opts, kgo.DisableIdempotentWrite(), kgo.RequiredAcks(kgo.LeaderAck()))
	}
	client := s.client(opts...)
	defer client.Close()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	for pause(ctx, 40*time.Millisecond) {
		from := time.Now()
		if err := client.ProduceSync(last, &kgo.Record{Value: []byte("x")}).FirstErr(); err != nil {
			s.t.Errorf("write to %s: %v", topic, err)
			return
		}
		s.note(writtenByNobody(topic), 1, from, time.Now())
	}
}

// read reads a topic as a member of a group and commits what it has read, again and again. It reads since it came or
// committed last, and no sooner than what it reads was written: when in that time nobody else can know. What it has
// fetched when it is to stop it does not commit.
func (s *script) read(ctx context.Context, topic, group string) {
	flow, since := readBy(topic, group), time.Now()
	client := s.client(kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(), kgo.FetchMaxWait(100*time.Millisecond), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	defer client.Close()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	for pause(ctx, 80*time.Millisecond) {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return
		}
		if err := fetches.Err(); err != nil {
			s.t.Errorf("read %s as %s: %v", topic, group, err)
			return
		}
		if fetches.NumRecords() == 0 {
			continue
		}
		if !strings.HasPrefix(topic, "stage") { // of which markers are read too, which nobody sees
			since = later(since, fetches.Records()[0].Timestamp)
		}
		if err := client.CommitUncommittedOffsets(last); err != nil {
			s.t.Errorf("commit %s as %s: %v", topic, group, err)
			return
		}
		now := time.Now()
		s.note(flow, fetches.NumRecords(), since, now)
		since = now
	}
}

// feed writes records in transactions, under a name.
func (s *script) feed(ctx context.Context, name, topic string) {
	client := s.client(kgo.TransactionalID(name), kgo.DefaultProduceTopic(topic), kgo.ProducerLinger(0))
	defer client.Close()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	open := transaction{script: s, wrote: written(name, topic), topic: topic}
	for pause(ctx, 100*time.Millisecond) {
		if err := client.BeginTransaction(); err != nil {
			s.t.Errorf("begin of %s: %v", name, err)
			return
		}
		if !open.produce(last, client.ProduceSync, 1) {
			return
		}
		open.ends()
		if err := client.EndTransaction(last, kgo.TryCommit); err != nil {
			s.t.Errorf("end of %s: %v", name, err)
			return
		}
	}
	open.settle(last)
}

// copy reads a topic and writes its records to another, exactly once.
func (s *script) copy(ctx context.Context, name, from, to string) {
	read, begun := readBy(from, name), time.Now()
	session, err := kgo.NewGroupTransactSession(append(slices.Clone(s.opts), kgo.ConsumerGroup(name), kgo.ConsumeTopics(from), kgo.TransactionalID(name+"-1"), kgo.DefaultProduceTopic(to), kgo.ProducerLinger(0),
		kgo.FetchMaxWait(100*time.Millisecond), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		s.t.Errorf("%s: %v", name, err)
		return
	}
	defer session.Close()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	open := transaction{script: s, wrote: written(name, to), read: read, topic: to, since: begun}
	for pause(ctx, 100*time.Millisecond) {
		fetches := session.PollFetches(ctx)
		n := fetches.NumRecords()
		if ctx.Err() != nil || n == 0 {
			continue
		}
		if err := session.Begin(); err != nil {
			s.t.Errorf("begin of %s: %v", name, err)
			return
		}
		if !open.produce(last, session.ProduceSync, n) {
			return
		}
		open.ends()
		committed, err := session.End(last, kgo.TryCommit)
		if err != nil {
			s.t.Errorf("end of %s: %v", name, err)
			return
		}
		open.aborted = !committed
	}
	open.settle(last)
}

// transaction is one of a producer whose transactions follow each other. When the end of one shows, in its marker and
// in what its reader has committed, is known only as of the next one's first record, or when the topic has no open end.
type transaction struct {
	*script

	wrote, read string // flows; read is empty for who reads nothing
	topic       string // that is written
	n           int    // records
	aborted     bool
	ended       time.Time // when its end was begun; zero: there is none whose end is not known
	since       time.Time // since when the reader reads what it commits with the next one
}

// produce writes n records and reports whether that succeeded.
func (x *transaction) produce(ctx context.Context, sync func(context.Context, ...*kgo.Record) kgo.ProduceResults, n int) bool {
	records := make([]*kgo.Record, n)
	for i := range records {
		records[i] = &kgo.Record{Value: []byte("x")}
	}
	from := time.Now()
	if err := sync(ctx, records...).FirstErr(); err != nil {
		x.t.Errorf("write to %s: %v", x.topic, err)
		return false
	}
	x.shows()
	x.note(x.wrote, n, from, time.Now())
	x.n = n
	return true
}

func (x *transaction) ends() { x.ended, x.aborted = time.Now(), false }

// shows writes down that the transaction before has ended by now.
func (x *transaction) shows() {
	if x.ended.IsZero() {
		return
	}
	now := time.Now()
	x.note(x.wrote, 0, x.ended, now)
	if x.read != "" && !x.aborted {
		x.note(x.read, x.n, x.since, now)
		x.since = now
	}
	x.ended = time.Time{}
}

// settle waits until the newest transaction has ended everywhere.
func (x *transaction) settle(ctx context.Context) {
	if x.ended.IsZero() {
		return
	}
	client := x.client()
	defer client.Close()
	admin := kadm.NewClient(client)
	for ctx.Err() == nil {
		ends, err := admin.ListEndOffsets(ctx, x.topic)
		stable, stableErr := admin.ListCommittedOffsets(ctx, x.topic)
		if err == nil && stableErr == nil && maps.EqualFunc(ends.Offsets()[x.topic], stable.Offsets()[x.topic], func(a, b kadm.Offset) bool { return a.At == b.At }) {
			break
		}
		pause(ctx, 20*time.Millisecond)
	}
	// What it has committed as a reader is another partition's, and nobody tells whether its marker is there already.
	pause(ctx, 200*time.Millisecond)
	x.shows()
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// pause waits and reports whether the context still runs.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// flows are all that moved, sorted.
func (s *script) flows() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.moves))
}

// was is what the truth says of a flow and a window.
type was uint8

const (
	unsaid was = iota // what moved lies at an edge: readings of the window may hold it or not
	rested
	moved
)

func (w was) String() string { return [...]string{"at an edge", "rested", "moved"}[w] }

// of says what the truth is of a flow in a window of whole ticks. What lineaged can know of [start, end) is what it
// reads between two rounds: that of start, taken some time in [start, seen(start)], and that of end.
func (s *script) of(flow string, start, end time.Time, seen func(round time.Time) time.Time) was {
	s.mu.Lock()
	defer s.mu.Unlock()
	first, last := seen(start), seen(end)
	w := rested
	for _, m := range s.moves[flow] {
		switch {
		case !m.may && m.from.After(first) && m.to.Before(end):
			return moved
		case m.to.After(start) && m.from.Before(last):
			w = unsaid
		}
	}
	return w
}

// total is how many records of a flow moved in all.
func (s *script) total(flow string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.records[flow]
}

// rounds is when each round of a cluster was visible at the latest.
type rounds struct {
	mu   sync.Mutex
	seen map[time.Time]time.Time
	last time.Time
}

// at returns when a round was visible; of one that was not seen when the next one was.
func (r *rounds) at(round time.Time) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	for ; !round.After(r.last); round = round.Add(time.Second) {
		if at, ok := r.seen[round]; ok {
			return at
		}
	}
	return time.Now()
}

// follow asks for a cluster's newest round until the context ends; lineaged may be gone for a while.
func (r *rounds) follow(ctx context.Context, t *testing.T, s *server, cluster string) {
	for pause(ctx, 50*time.Millisecond) {
		var d struct {
			Clusters []struct {
				Name      string
				LastRound *time.Time
			}
		}
		if err := s.ask(t, `{clusters{name lastRound}}`, nil, &d); err != nil {
			continue
		}
		for _, c := range d.Clusters {
			if c.Name != cluster || c.LastRound == nil {
				continue
			}
			r.mu.Lock()
			if at := c.LastRound.UTC(); at.After(r.last) {
				r.seen[at], r.last = time.Now(), at
			}
			r.mu.Unlock()
		}
	}
}

// tickOf is the tick that holds an instant.
func tickOf(at time.Time) time.Time { return at.UTC().Truncate(time.Second) }
