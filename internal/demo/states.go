package demo

import (
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// producerStates answers DescribeProducers as Apache Kafka does, from what producers really send. kfake itself lists
// only producers that are in a transaction.
//
// It looks at the header of every batch on its way into the cluster: producer id, epoch, base sequence, record count.
// An idempotent producer's last sequence then advances by exactly its records. Of a transactional producer Kafka
// (transaction version 2) shows the open transaction, and after its end a risen epoch and the last sequence -1.
type producerStates struct {
	kafka   *kfake.Cluster
	topics  map[[16]byte]string // fixed before the first request
	leaders map[partition]int32 // fixed before the first request: the demo moves no partition

	mu     sync.Mutex // guards states
	states map[partition]map[int64]*producerState
}

type partition struct {
	topic string
	index int32
}

type producerState struct {
	epoch         int16
	lastSequence  int32
	lastTimestamp int64
	txnStart      int64 // offset; -1: no open transaction
}

func newProducerStates(k *kfake.Cluster) *producerStates {
	return &producerStates{
		kafka:   k,
		topics:  map[[16]byte]string{},
		leaders: map[partition]int32{},
		states:  map[partition]map[int64]*producerState{},
	}
}

func (s *producerStates) addTopic(name string) {
	s.topics[s.kafka.TopicInfo(name).TopicID] = name
	for _, p := range s.kafka.PartitionInfos(name) {
		s.leaders[partition{name, p.Partition}] = p.Leader
	}
}

// install puts the observation into the cluster. A control function that does not handle its request leaves it to the
// cluster and stays.
func (s *producerStates) install() {
	s.kafka.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		s.produce(r.(*kmsg.ProduceRequest))
		return nil, nil, false
	})
	s.kafka.ControlKey(int16(kmsg.EndTxn), func(r kmsg.Request) (kmsg.Response, error, bool) {
		s.endTxn(r.(*kmsg.EndTxnRequest))
		return nil, nil, false
	})
	s.kafka.ControlKey(int16(kmsg.DescribeProducers), func(r kmsg.Request) (kmsg.Response, error, bool) {
		s.kafka.KeepControl()
		return s.describe(r.(*kmsg.DescribeProducersRequest), s.kafka.CurrentNode()), nil, true
	})
}

func (s *producerStates) produce(r *kmsg.ProduceRequest) {
	for _, t := range r.Topics {
		name := t.Topic
		if r.Version >= 13 {
			name = s.topics[t.TopicID]
		}
		for _, p := range t.Partitions {
			var b kmsg.RecordBatch
			if err := b.ReadFrom(p.Records); err == nil && b.ProducerID >= 0 {
				s.batch(partition{name, p.Partition}, &b)
			}
		}
	}
}

// batch takes note of one batch's header.
func (s *producerStates) batch(p partition, b *kmsg.RecordBatch) {
	const transactional = 0x10
	last := int32((int64(b.FirstSequence) + int64(b.NumRecords) - 1) & 0x7fffffff) // wraps from 2^31-1 to 0
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.states[p] == nil {
		s.states[p] = map[int64]*producerState{}
	}
	st := s.states[p][b.ProducerID]
	if st == nil || b.ProducerEpoch > st.epoch {
		st = &producerState{epoch: b.ProducerEpoch, lastSequence: -1, txnStart: -1}
		s.states[p][b.ProducerID] = st
	}
	if b.ProducerEpoch < st.epoch || st.lastSequence >= 0 && (last-st.lastSequence)&0x7fffffff > 1<<30 {
		return // a retry of what came before
	}
	st.lastSequence, st.lastTimestamp = last, b.MaxTimestamp
	if b.Attributes&transactional != 0 && st.txnStart < 0 {
		if info := s.kafka.PartitionInfo(p.topic, p.index); info != nil {
			st.txnStart = info.HighWatermark
		}
	}
}

func (s *producerStates) endTxn(r *kmsg.EndTxnRequest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, producers := range s.states {
		st := producers[r.ProducerID]
		if st == nil || st.epoch != r.ProducerEpoch {
			continue
		}
		st.txnStart = -1
		if r.Version >= 5 { // transaction version 2
			st.epoch, st.lastSequence = st.epoch+1, -1
		}
	}
}

func (s *producerStates) describe(r *kmsg.DescribeProducersRequest, node int32) *kmsg.DescribeProducersResponse {
	s.mu.Lock()
	defer s.mu.Unlock()
	resp := r.ResponseKind().(*kmsg.DescribeProducersResponse)
	for _, t := range r.Topics {
		rt := kmsg.NewDescribeProducersResponseTopic()
		rt.Topic = t.Topic
		for _, index := range t.Partitions {
			rp := kmsg.NewDescribeProducersResponseTopicPartition()
			rp.Partition = index
			switch leader, ok := s.leaders[partition{t.Topic, index}]; {
			case !ok:
				rp.ErrorCode = kerr.UnknownTopicOrPartition.Code
			case leader != node:
				rp.ErrorCode = kerr.NotLeaderForPartition.Code
			default:
				rp.ActiveProducers = active(s.states[partition{t.Topic, index}])
			}
			rt.Partitions = append(rt.Partitions, rp)
		}
		resp.Topics = append(resp.Topics, rt)
	}
	return resp
}

func active(producers map[int64]*producerState) []kmsg.DescribeProducersResponseTopicPartitionActiveProducer {
	var all []kmsg.DescribeProducersResponseTopicPartitionActiveProducer
	for id, st := range producers {
		a := kmsg.NewDescribeProducersResponseTopicPartitionActiveProducer()
		a.ProducerID, a.ProducerEpoch = id, int32(st.epoch)
		a.LastSequence, a.LastTimestamp = st.lastSequence, st.lastTimestamp
		a.CoordinatorEpoch, a.CurrentTxnStartOffset = -1, st.txnStart
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b kmsg.DescribeProducersResponseTopicPartitionActiveProducer) int {
		return int(a.ProducerID - b.ProducerID)
	})
	return all
}
