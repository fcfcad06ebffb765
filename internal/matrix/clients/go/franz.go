package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"
)

type franz struct {
	cell
	cl       *kgo.Client
	session  *kgo.GroupTransactSession
	produced int
}

func openFranz(c cell) (client, error) {
	f := &franz{cell: c}
	opts := []kgo.Opt{kgo.SeedBrokers(c.brokers()...), kgo.RecordPartitioner(kgo.ManualPartitioner())}
	if c.Client != "" {
		opts = append(opts, kgo.ClientID(c.Client))
	}
	if c.User != "" {
		opts = append(opts, kgo.SASL(plain.Auth{User: c.User, Pass: c.Password}.AsMechanism()))
	}
	if c.Role == "write" {
		switch c.Mode {
		case "plain":
			opts = append(opts, kgo.DisableIdempotentWrite(), kgo.RequiredAcks(kgo.LeaderAck()))
		case "transactional":
			opts = append(opts, kgo.TransactionalID(c.ID))
		}
		var err error
		f.cl, err = kgo.NewClient(opts...)
		return f, err
	}
	start := kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())
	group := []kgo.Opt{kgo.ConsumerGroup(c.Group), kgo.ConsumeTopics(c.Topic), start}
	switch c.Mode {
	case "share":
		group = []kgo.Opt{kgo.ShareGroup(c.Group), kgo.ConsumeTopics(c.Topic)}
	case "assign", "lone":
		parts := map[int32]kgo.Offset{}
		for p := range int32(c.Partitions) {
			parts[p] = kgo.NewOffset().AtStart()
		}
		group = []kgo.Opt{kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{c.Topic: parts})}
	case "async":
		group = append(group, kgo.AutoCommitInterval(1e9), kgo.AutoCommitMarks())
	case "kip848":
		group = append(group, kgo.ServerSideBalancer(), kgo.Balancers(kgo.StickyBalancer()), kgo.DisableAutoCommit())
	case "static":
		group = append(group, kgo.InstanceID("seat-1"), kgo.DisableAutoCommit())
	case "copy":
		var err error
		f.session, err = kgo.NewGroupTransactSession(append(append(opts, group...), kgo.TransactionalID(c.ID), kgo.FetchIsolationLevel(kgo.ReadCommitted()))...)
		if err == nil {
			f.cl = f.session.Client()
		}
		return f, err
	default:
		group = append(group, kgo.DisableAutoCommit())
	}
	var err error
	f.cl, err = kgo.NewClient(append(opts, group...)...)
	return f, err
}

func (f *franz) read(ctx context.Context, n int, took func(int32, int64)) error {
	for got := 0; got < n; {
		var fetches kgo.Fetches
		if f.session != nil {
			fetches = f.session.PollRecords(ctx, n-got)
		} else {
			fetches = f.cl.PollRecords(ctx, n-got)
		}
		if ctx.Err() != nil {
			return nil
		}
		if err := fetches.Err(); err != nil {
			return err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			got++
			took(r.Partition, r.Offset)
			switch f.Mode {
			case "async":
				f.cl.MarkCommitRecords(r)
			case "share":
				r.Ack(kgo.AckAccept)
			}
		})
	}
	return nil
}

func (f *franz) commit(ctx context.Context, o offsets) error {
	switch f.Mode {
	case "share":
		return f.cl.FlushAcks(ctx)
	case "assign":
		offs := kadm.Offsets{}
		for p, at := range o {
			offs.Add(kadm.Offset{Topic: f.Topic, Partition: p, At: at, LeaderEpoch: -1})
		}
		return kadm.NewClient(f.cl).CommitAllOffsets(ctx, f.Group, offs)
	}
	at := map[int32]kgo.EpochOffset{}
	for p, offset := range o {
		at[p] = kgo.EpochOffset{Epoch: -1, Offset: offset}
	}
	var failed error
	f.cl.CommitOffsetsSync(ctx, map[string]map[int32]kgo.EpochOffset{f.Topic: at}, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
		failed = err
		for _, t := range resp.Topics {
			for _, p := range t.Partitions {
				failed = errors.Join(failed, kerr.ErrorForCode(p.ErrorCode))
			}
		}
	})
	return failed
}

func (f *franz) seek(partition int32, offset int64) error {
	f.cl.SetOffsets(map[string]map[int32]kgo.EpochOffset{f.Topic: {partition: {Epoch: -1, Offset: offset}}})
	return nil
}

func (f *franz) produce(ctx context.Context, topic string, n int) error {
	var rs []*kgo.Record
	for range n {
		rs = append(rs, &kgo.Record{Topic: topic, Partition: int32(f.produced % f.Partitions), Value: []byte("x")})
		f.produced++
	}
	return f.cl.ProduceSync(ctx, rs...).FirstErr()
}

func (f *franz) write(ctx context.Context, n int) error {
	if f.Mode != "transactional" {
		return f.produce(ctx, f.Topic, n)
	}
	if err := f.cl.BeginTransaction(); err != nil {
		return err
	}
	return errors.Join(f.produce(ctx, f.Topic, n), f.cl.EndTransaction(ctx, kgo.TryCommit))
}

func (f *franz) copy(ctx context.Context, n int, _ offsets) error {
	if err := f.session.Begin(); err != nil {
		return err
	}
	if err := f.produce(ctx, f.Out, n); err != nil {
		return err
	}
	if ok, err := f.session.End(ctx, kgo.TryCommit); err != nil || !ok {
		return fmt.Errorf("committed %t: %w", ok, err)
	}
	return nil
}

func (f *franz) close() error {
	if f.session != nil {
		f.session.Close()
		return nil
	}
	f.cl.Close()
	return nil
}
