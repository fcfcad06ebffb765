package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// transactionEvery paces the transactions: each costs two markers per partition and a round with the coordinator.
const transactionEvery = 500 * time.Millisecond

// enrich copies from topics to a topic, exactly once: what it read and what it wrote are one transaction.
type enrich struct {
	cluster *Cluster
	app     string
	from    []string
	to      string
	every   int           // one record written for so many read; 0: for each
	forTime time.Duration // then it is gone; 0: it stays
}

func (e *enrich) run(ctx context.Context) error {
	if e.forTime > 0 {
		limited, cancel := context.WithTimeout(ctx, e.forTime)
		defer cancel()
		ctx = limited
	}
	s, err := kgo.NewGroupTransactSession(
		kgo.SeedBrokers(e.cluster.Brokers...),
		kgo.ClientID(e.app+"-1"),
		kgo.TransactionalID(e.app+"-1"),
		kgo.ConsumerGroup(e.app),
		kgo.ConsumeTopics(e.from...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
	)
	if err != nil {
		return err
	}
	defer leave(s.Client())
	for ctx.Err() == nil {
		fetches := s.PollFetches(ctx)
		if fetches.IsClientClosed() {
			return errors.New("client is closed")
		}
		if fetches.NumRecords() == 0 {
			continue
		}
		if ctx.Err() != nil {
			break
		}
		if err := s.Begin(); err != nil {
			return fmt.Errorf("begin: %w", err)
		}
		p := kgo.AbortingFirstErrPromise(s.Client())
		for range (fetches.NumRecords() + max(0, e.every-1)) / max(1, e.every) {
			s.Produce(ctx, nonsense(e.to), p.Promise())
		}
		if _, err := s.End(ctx, p.Err() == nil); err != nil {
			return fmt.Errorf("end: %w", err)
		}
		pause(ctx, transactionEvery)
	}
	return nil
}

// replicate copies a topic to a topic, mostly of another cluster, at least once: it commits what it read when what it
// wrote is committed.
type replicate struct {
	from, to      *Cluster
	app, writer   string // the names of its two sides
	topic, output string
}

func (r *replicate) run(ctx context.Context) error {
	in, err := r.from.client(
		r.app+"-1",
		kgo.ConsumerGroup(r.app),
		kgo.ConsumeTopics(r.topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
	)
	if err != nil {
		return err
	}
	defer leave(in)
	out, err := r.to.client(r.writer+"-1", kgo.TransactionalID(r.writer+"-1"))
	if err != nil {
		return err
	}
	defer out.Close()
	for ctx.Err() == nil {
		fetches := in.PollFetches(ctx)
		if fetches.IsClientClosed() {
			return errors.New("client is closed")
		}
		if fetches.NumRecords() == 0 {
			continue
		}
		if err := r.copy(ctx, in, out, fetches.Records()); err != nil {
			return err
		}
		pause(ctx, transactionEvery)
	}
	return nil
}

func (r *replicate) copy(ctx context.Context, in, out *kgo.Client, records []*kgo.Record) error {
	if err := out.BeginTransaction(); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	copies := make([]*kgo.Record, len(records))
	for i, rec := range records {
		copies[i] = &kgo.Record{Topic: r.output, Key: rec.Key, Value: rec.Value}
	}
	err := out.ProduceSync(ctx, copies...).FirstErr()
	if endErr := out.EndTransaction(ctx, kgo.TransactionEndTry(err == nil)); err == nil {
		err = endErr
	}
	if err != nil {
		return fmt.Errorf("copy: %w", err)
	}
	if err := in.CommitRecords(ctx, records...); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

func (e *enrich) name() string    { return e.app }
func (r *replicate) name() string { return r.app }

func enricher(c *Cluster, app string, from []string, to string) *enrich {
	return &enrich{cluster: c, app: app, from: from, to: to}
}

func (e *enrich) summing(every int) *enrich     { e.every = every; return e }
func (e *enrich) until(d time.Duration) *enrich { e.forTime = d; return e }

func copier(from, to *Cluster, app, topic string) *replicate {
	return &replicate{from, to, app, app, topic, topic}
}

func refunder(c *Cluster, reader, writer, from, to string) *replicate {
	return &replicate{c, c, reader, writer, from, to}
}
