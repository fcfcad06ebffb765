package main

import (
	"context"
	"errors"

	"github.com/IBM/sarama"
)

type saramaClient struct {
	cell
	cfg      *sarama.Config
	cl       sarama.Client
	p        sarama.SyncProducer
	group    sarama.ConsumerGroup
	session  sarama.ConsumerGroupSession
	cancel   context.CancelFunc
	ended    chan struct{}
	records  chan *sarama.ConsumerMessage
	joined   chan sarama.ConsumerGroupSession
	assigned []sarama.PartitionConsumer
	manager  sarama.OffsetManager
	books    map[int32]sarama.PartitionOffsetManager
	produced int
}

func openSarama(c cell) (client, error) {
	s := &saramaClient{cell: c, records: make(chan *sarama.ConsumerMessage), joined: make(chan sarama.ConsumerGroupSession, 1), books: map[int32]sarama.PartitionOffsetManager{}, ended: make(chan struct{})}
	cfg := sarama.NewConfig()
	s.cfg = cfg
	cfg.Version = sarama.V3_6_0_0
	cfg.Producer.Return.Successes = true
	cfg.Producer.Partitioner = sarama.NewManualPartitioner
	cfg.Consumer.Offsets.Initial = sarama.OffsetOldest
	cfg.Consumer.Offsets.AutoCommit.Enable = c.Mode == "async"
	if c.Client != "" {
		cfg.ClientID = c.Client
	}
	if c.User != "" {
		cfg.Net.SASL.Enable, cfg.Net.SASL.User, cfg.Net.SASL.Password = true, c.User, c.Password
	}
	switch c.Mode {
	case "kip848", "share":
		return nil, unsupported("the library speaks the classic protocol only")
	case "static":
		cfg.Consumer.Group.InstanceId = "seat-1"
	case "idempotent":
		cfg.Producer.Idempotent, cfg.Net.MaxOpenRequests, cfg.Producer.RequiredAcks = true, 1, sarama.WaitForAll
	case "transactional", "copy":
		cfg.Producer.Idempotent, cfg.Net.MaxOpenRequests, cfg.Producer.RequiredAcks = true, 1, sarama.WaitForAll
		cfg.Producer.Transaction.ID = c.ID
		cfg.Consumer.IsolationLevel = sarama.ReadCommitted
	}
	var err error
	if c.Role == "write" || c.Mode == "copy" {
		if s.p, err = sarama.NewSyncProducer(c.brokers(), cfg); err != nil {
			return nil, err
		}
	}
	if c.Role == "write" {
		return s, nil
	}
	reader := *cfg
	reader.Producer = sarama.NewConfig().Producer // a group's client has no transactional.id
	if s.cl, err = sarama.NewClient(c.brokers(), &reader); err != nil {
		return nil, err
	}
	if c.Mode == "assign" || c.Mode == "lone" {
		return s, s.assign(0)
	}
	if s.group, err = sarama.NewConsumerGroupFromClient(c.Group, s.cl); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	go func() {
		defer close(s.ended)
		for ctx.Err() == nil {
			if err := s.group.Consume(ctx, []string{c.Topic}, s); err != nil {
				return
			}
		}
	}()
	s.session = <-s.joined
	return s, nil
}

// assign reads the partitions without a group; offsets go through an offset manager, which is no member either.
func (s *saramaClient) assign(at int64) error {
	for _, pc := range s.assigned {
		pc.AsyncClose()
	}
	s.assigned, s.records = nil, make(chan *sarama.ConsumerMessage)
	consumer, err := sarama.NewConsumerFromClient(s.cl)
	if err != nil {
		return err
	}
	if s.manager == nil && s.Mode == "assign" {
		if s.manager, err = sarama.NewOffsetManagerFromClient(s.Group, s.cl); err != nil {
			return err
		}
	}
	records := s.records
	for p := range int32(s.Partitions) {
		pc, err := consumer.ConsumePartition(s.Topic, p, at)
		if err != nil {
			return err
		}
		s.assigned = append(s.assigned, pc)
		go func() {
			for m := range pc.Messages() {
				records <- m
			}
		}()
	}
	return nil
}

func (s *saramaClient) Setup(session sarama.ConsumerGroupSession) error {
	select {
	case s.joined <- session:
	default:
	}
	return nil
}

func (s *saramaClient) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (s *saramaClient) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case m, ok := <-claim.Messages():
			if !ok {
				return nil
			}
			select {
			case s.records <- m:
			case <-session.Context().Done():
				return nil
			}
		case <-session.Context().Done():
			return nil
		}
	}
}

func (s *saramaClient) read(ctx context.Context, n int, took func(int32, int64)) error {
	for range n {
		select {
		case m := <-s.records:
			took(m.Partition, m.Offset)
			if s.Mode == "async" {
				s.session.MarkMessage(m, "")
			}
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

func (s *saramaClient) commit(_ context.Context, o offsets) error {
	for p, at := range o {
		if s.session != nil {
			s.session.MarkOffset(s.Topic, p, at, "")
			continue
		}
		if s.books[p] == nil {
			pom, err := s.manager.ManagePartition(s.Topic, p)
			if err != nil {
				return err
			}
			s.books[p] = pom
		}
		s.books[p].MarkOffset(at, "")
		s.books[p].ResetOffset(at, "")
	}
	if s.session != nil {
		s.session.Commit()
	} else {
		s.manager.Commit()
	}
	return nil
}

func (s *saramaClient) seek(partition int32, offset int64) error {
	if s.Mode != "assign" {
		return unsupported("the library seeks by reading a partition anew")
	}
	if partition > 0 {
		return nil // with the first
	}
	return s.assign(offset)
}

func (s *saramaClient) produce(topic string, n int) error {
	var ms []*sarama.ProducerMessage
	for range n {
		ms = append(ms, &sarama.ProducerMessage{Topic: topic, Partition: int32(s.produced % s.Partitions), Value: sarama.StringEncoder("x")})
		s.produced++
	}
	return s.p.SendMessages(ms)
}

func (s *saramaClient) write(_ context.Context, n int) error {
	if s.Mode != "transactional" {
		return s.produce(s.Topic, n)
	}
	return errors.Join(s.p.BeginTxn(), s.produce(s.Topic, n), s.p.CommitTxn())
}

func (s *saramaClient) copy(_ context.Context, n int, o offsets) error {
	at := map[string][]*sarama.PartitionOffsetMetadata{}
	for p, offset := range o {
		at[s.Topic] = append(at[s.Topic], &sarama.PartitionOffsetMetadata{Partition: p, Offset: offset, LeaderEpoch: -1})
	}
	return errors.Join(s.p.BeginTxn(), s.produce(s.Out, n), s.p.AddOffsetsToTxn(at, s.Group), s.p.CommitTxn())
}

func (s *saramaClient) close() error {
	if s.cancel != nil {
		s.cancel()
		<-s.ended
		return s.group.Close()
	}
	if s.p == nil {
		return nil // all is committed
	}
	return s.p.Close()
}
