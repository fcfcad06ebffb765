package main

import (
	"context"
	"errors"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
)

type segment struct {
	cell
	w       *kafka.Writer
	r       *kafka.Reader
	parts   []*kafka.Reader // of assign
	cl      *kafka.Client
	written int
}

func openSegment(c cell) (client, error) {
	s := &segment{cell: c, cl: &kafka.Client{Addr: kafka.TCP(c.brokers()...), Timeout: 10 * time.Second}}
	var who sasl.Mechanism
	if c.User != "" {
		who = plain.Mechanism{Username: c.User, Password: c.Password}
	}
	dialer := &kafka.Dialer{ClientID: c.Client, SASLMechanism: who, Timeout: 10 * time.Second, DualStack: true}
	if c.Client == "" && who == nil {
		dialer = nil // the library's own, which bears a name of its own
	}
	switch c.Mode {
	case "kip848", "share":
		return nil, unsupported("the library speaks the classic protocol only")
	case "static":
		return nil, unsupported("the library knows no group.instance.id")
	case "idempotent", "transactional", "copy":
		return nil, unsupported("the library's writer is not idempotent and knows no transactions")
	}
	if c.Role == "write" {
		s.w = &kafka.Writer{Addr: kafka.TCP(c.brokers()...), Topic: c.Topic, Balancer: &kafka.RoundRobin{}, RequiredAcks: kafka.RequireAll, BatchTimeout: 10 * time.Millisecond}
		if dialer != nil {
			s.w.Transport = &kafka.Transport{ClientID: c.Client, SASL: who}
		}
		return s, nil
	}
	if c.Mode == "assign" || c.Mode == "lone" {
		for p := range c.Partitions {
			s.parts = append(s.parts, kafka.NewReader(kafka.ReaderConfig{Brokers: c.brokers(), Topic: c.Topic, Partition: p, Dialer: dialer, MaxWait: 200 * time.Millisecond}))
		}
		return s, nil
	}
	cfg := kafka.ReaderConfig{Brokers: c.brokers(), GroupID: c.Group, Topic: c.Topic, StartOffset: kafka.FirstOffset, Dialer: dialer, MaxWait: 200 * time.Millisecond}
	if c.Mode == "async" {
		cfg.CommitInterval = time.Second
	}
	s.r = kafka.NewReader(cfg)
	return s, nil
}

func (s *segment) read(ctx context.Context, n int, took func(int32, int64)) error {
	for i := range n {
		var m kafka.Message
		var err error
		if s.parts != nil {
			m, err = s.parts[i%len(s.parts)].FetchMessage(ctx)
		} else {
			m, err = s.r.FetchMessage(ctx)
		}
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return nil
		case err != nil:
			return err
		}
		took(int32(m.Partition), m.Offset)
		if s.Mode == "async" {
			if err := s.r.CommitMessages(ctx, m); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *segment) commit(ctx context.Context, o offsets) error {
	if s.parts == nil {
		var ms []kafka.Message
		for p, at := range o {
			ms = append(ms, kafka.Message{Topic: s.Topic, Partition: int(p), Offset: at - 1})
		}
		return s.r.CommitMessages(ctx, ms...)
	}
	var commits []kafka.OffsetCommit
	for p, at := range o {
		commits = append(commits, kafka.OffsetCommit{Partition: int(p), Offset: at})
	}
	_, err := s.cl.OffsetCommit(ctx, &kafka.OffsetCommitRequest{GroupID: s.Group, GenerationID: -1, Topics: map[string][]kafka.OffsetCommit{s.Topic: commits}})
	return err
}

func (s *segment) seek(partition int32, offset int64) error {
	if s.parts == nil {
		return unsupported("the library has no seek in a group")
	}
	return s.parts[partition].SetOffset(offset)
}

func (s *segment) write(ctx context.Context, n int) error {
	ms := make([]kafka.Message, n)
	for i := range ms {
		ms[i].Value = []byte("x")
	}
	s.written += n
	return s.w.WriteMessages(ctx, ms...)
}

func (s *segment) copy(context.Context, int, offsets) error { return unsupported("no transactions") }

func (s *segment) close() error {
	switch {
	case s.w != nil:
		return s.w.Close()
	case s.r != nil:
		return s.r.Close()
	}
	for _, r := range s.parts {
		if err := r.Close(); err != nil {
			return err
		}
	}
	return nil
}
