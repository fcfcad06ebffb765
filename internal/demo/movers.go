package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// mover is an application, or one instance of it.
type mover interface {
	// run moves records until ctx ends, and then returns nil.
	run(ctx context.Context) error
	name() string
}

// beat is how often a producer wakes: often enough for smooth rates, seldom enough for an idle laptop.
const beat = 200 * time.Millisecond

// commitInterval is shorter than Kafka's default of 5 s, so that the first progress is seen soon after the start.
const commitInterval = time.Second

func (c *Cluster) client(id string, opts ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(c.Brokers...),
		kgo.ClientID(id),
		kgo.DialTimeout(time.Second),
	}, opts...)...)
}

// leave closes a client; it has a moment for leaving its group.
func leave(cl *kgo.Client) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = cl.LeaveGroupContext(ctx) // else the group notices by itself
	cl.Close()
}

// write is a mover that only writes.
type write struct {
	cluster    *Cluster
	client     string
	topic      string
	perSecond  float64
	idempotent bool
	inWaves    bool              // as people come and go, its rate changes all the time
	note       func(*kgo.Record) // called for each record that was written; may be nil
}

func producer(c *Cluster, client, topic string, perSecond float64) *write {
	return &write{cluster: c, client: client, topic: topic, perSecond: perSecond, idempotent: true}
}

func (w *write) name() string { return w.client }

func notIdempotent(w *write) *write { w.idempotent = false; return w }

func inWaves(w *write) *write { w.inWaves = true; return w }

// waveLasts is how long a producer in waves keeps a rate.
const waveLasts = 4 * time.Second

func (w *write) run(ctx context.Context) error {
	var opts []kgo.Opt
	if !w.idempotent {
		opts = append(opts, kgo.DisableIdempotentWrite(), kgo.RequiredAcks(kgo.LeaderAck()))
	}
	cl, err := w.cluster.client(w.client, opts...)
	if err != nil {
		return err
	}
	defer cl.Close()
	failed := make(chan error, 1)
	tick := time.NewTicker(beat)
	defer tick.Stop()
	wave, ends := 1.0, time.Time{}
	for due := 0.0; ; {
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			return err
		case <-tick.C:
		}
		if now := time.Now(); w.inWaves && now.After(ends) {
			wave, ends = 0.3+1.4*rand.Float64(), now.Add(waveLasts)
		}
		for due += w.perSecond * wave * beat.Seconds(); due >= 1; due-- {
			cl.Produce(ctx, nonsense(w.topic), func(r *kgo.Record, err error) {
				if err == nil && w.note != nil {
					w.note(r)
				}
				if err != nil {
					select {
					case failed <- err:
					default:
					}
				}
			})
		}
	}
}

var (
	things = []string{"teapot", "lamp post", "umbrella", "brass button", "paper moon", "left sock", "kite", "marble"}
	moods  = []string{"blue", "slightly bent", "borrowed", "invisible", "second-hand", "very round", "humming"}
)

// nonsense is a record that no real shop would write.
func nonsense(topic string) *kgo.Record {
	id := rand.N(5000)
	return &kgo.Record{
		Topic: topic,
		Key:   fmt.Appendf(nil, "%s-%d", topic, id),
		Value: fmt.Appendf(nil, `{"id":%d,"what":"%s %s","how_many":%d}`, id, moods[rand.N(len(moods))], things[rand.N(len(things))], rand.N(9)),
	}
}

// protocol is how a group shares its partitions.
type protocol int

const (
	classic protocol = iota
	kip848
	share
)

// read is a member of a group, which may write as well.
type read struct {
	cluster  *Cluster
	group    string
	client   string
	protocol protocol
	topics   []string

	output  string // topic it writes to; empty: none
	every   int    // one record written for so many read
	perSec  int    // how fast it reads at most; 0: as fast as it can
	forTime time.Duration
	// how long after its end somebody sets its group's offsets to the topics' ends; 0: nobody does
	setTo time.Duration
	note  func(*kgo.Record) // called for each record that was read; may be nil
}

func consumer(c *Cluster, group, client string, p protocol, topics ...string) *read {
	return &read{cluster: c, group: group, client: client, protocol: p, topics: topics}
}

func (r *read) writing(topic string, every int) *read { r.output, r.every = topic, every; return r }
func (r *read) slow(perSecond int) *read              { r.perSec = perSecond; return r }
func (r *read) until(d time.Duration) *read           { r.forTime = d; return r }
func (r *read) setAfter(d time.Duration) *read        { r.setTo = d; return r }

func (r *read) name() string { return r.client }

func (r *read) options() []kgo.Opt {
	opts := []kgo.Opt{kgo.ConsumeTopics(r.topics...), kgo.FetchMaxWait(time.Second)}
	if r.protocol == share {
		return append(opts, kgo.ShareGroup(r.group))
	}
	opts = append(
		opts,
		kgo.ConsumerGroup(r.group),
		kgo.AutoCommitInterval(commitInterval),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
	)
	if r.protocol == kip848 {
		opts = append(opts, kgo.ServerSideBalancer(), kgo.Balancers(kgo.StickyBalancer()))
	}
	return opts
}

func (r *read) run(ctx context.Context) error {
	if r.forTime == 0 {
		return r.consume(ctx)
	}
	limited, cancel := context.WithTimeout(ctx, r.forTime)
	defer cancel()
	if err := r.consume(limited); err != nil || r.setTo == 0 {
		return err
	}
	pause(ctx, r.setTo)
	return r.skip(ctx)
}

// skip sets the group's offsets to the topics' ends, as an administrator does who gives up what was not read.
func (r *read) skip(ctx context.Context) error {
	cl, err := r.cluster.client("admin")
	if err != nil {
		return err
	}
	defer cl.Close()
	admin := kadm.NewClient(cl)
	ends, err := admin.ListEndOffsets(ctx, r.topics...)
	if err == nil {
		to := kadm.Offsets{}
		ends.Each(func(o kadm.ListedOffset) { to.AddOffset(o.Topic, o.Partition, o.Offset, -1) })
		err = admin.CommitAllOffsets(ctx, r.group, to)
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (r *read) consume(ctx context.Context) error {
	cl, err := r.cluster.client(r.client, r.options()...)
	if err != nil {
		return err
	}
	defer leave(cl)
	seen := 0
	for ctx.Err() == nil {
		atMost := 500
		if r.perSec > 0 {
			atMost = max(1, int(float64(r.perSec)*beat.Seconds()))
		}
		fetches := cl.PollRecords(ctx, atMost)
		if fetches.IsClientClosed() {
			return errors.New("client is closed")
		}
		if r.note != nil {
			fetches.EachRecord(r.note)
		}
		for range fetches.NumRecords() {
			if seen++; r.every > 0 && seen%r.every == 0 {
				cl.Produce(ctx, nonsense(r.output), nil)
			}
		}
		if r.perSec > 0 {
			pause(ctx, beat)
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
