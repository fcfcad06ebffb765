package wire

import (
	"encoding/binary"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// The versions of Metadata that are walked. Topics have ids since 10.
const (
	metadataOldest = 10
	metadataNewest = 13
)

// MetadataRequest asks for all topics. It is no *kmsg.MetadataRequest, so that the client neither keeps a copy of the
// answer nor learns of brokers by it.
type MetadataRequest struct{ kmsg.MetadataRequest }

// MaxVersion is the newest version whose answer is walked.
func (*MetadataRequest) MaxVersion() int16 { return metadataNewest }

// ResponseKind returns a Metadata.
func (r *MetadataRequest) ResponseKind() kmsg.Response {
	m := &Metadata{}
	m.Version = r.Version
	return m
}

// Metadata is an answer. What stands in it before the topics is in its fields, Topics excepted, which stays empty: they
// are walked.
type Metadata struct {
	kmsg.MetadataResponse
	walked int16 // version of topics
	topics []byte
	count  int
	gaps   map[int]bool // the topics, by how many follow them, whose partitions are not all those from 0 on
}

// ReadFrom reads an answer of the version that was asked for, and keeps b.
func (m *Metadata) ReadFrom(b []byte) error {
	m.walked = m.Version
	if m.Version < metadataOldest {
		old := kmsg.MetadataResponse{Version: m.Version}
		if err := old.ReadFrom(b); err != nil {
			return err
		}
		old.Version = metadataOldest
		m.walked, b = metadataOldest, old.AppendTo(nil)
	}
	return m.read(b)
}

func (m *Metadata) read(b []byte) error {
	r := reader{left: b}
	m.ThrottleMillis = r.int32()
	m.Brokers = nil
	for n := r.count(11); n > 0 && !r.bad; n-- {
		broker := kmsg.MetadataResponseBroker{NodeID: r.int32(), Host: string(r.words()), Port: r.int32(), Rack: optional(r.text())}
		r.tags()
		m.Brokers = append(m.Brokers, broker)
	}
	m.ClusterID, m.ControllerID = optional(r.text()), r.int32()
	m.count = r.count(26)
	m.topics = r.left
	m.gaps = nil
	walk := m.Walk()
	for walk.Topic() {
		for walk.Partition() {
			// what is beyond those that are listed would ask for memory
			if walk.Index < 0 || int(walk.Index) >= walk.Partitions {
				if m.gaps == nil {
					m.gaps = map[int]bool{}
				}
				m.gaps[walk.topics] = true
			}
		}
	}
	r = walk.r
	if m.walked <= 10 {
		r.int32() // authorized operations
	}
	if m.walked >= 13 {
		m.ErrorCode = r.int16()
	}
	r.tags()
	return r.done("Metadata")
}

func optional(b []byte) *string {
	if b == nil {
		return nil
	}
	return new(string(b))
}

// Walk begins a walk over the topics.
func (m *Metadata) Walk() MetadataWalk {
	return MetadataWalk{r: reader{left: m.topics}, topics: m.count, version: m.walked, gaps: m.gaps}
}

// MetadataWalk stands at a topic, and at one of its partitions.
type MetadataWalk struct {
	r       reader
	topics  int // that are left
	left    int // partitions that are left of the topic
	open    bool
	version int16
	gaps    map[int]bool

	// of the topic
	Code       int16
	Name       []byte // part of the answer; nil: it has none
	ID         [16]byte
	Internal   bool
	Partitions int // how many are listed
	// Gaps: they are not all those from 0 on, so that an Index may lie anywhere
	Gaps bool

	// of the partition
	Index, Leader, Epoch int32
	Replicas             int    // how many it has
	Brokers              []byte // where they lie, four bytes each, big-endian; part of the answer
}

// Topic goes on to the next topic.
func (w *MetadataWalk) Topic() bool {
	if w.open {
		for w.Partition() { // whoever passes a topic passes its partitions
		}
		w.r.int32() // authorized operations
		w.r.tags()
		w.open = false
	}
	if w.topics == 0 || w.r.bad {
		return false
	}
	w.topics--
	w.Code = w.r.int16()
	if w.Name = w.r.text(); w.Name == nil && w.version < 12 {
		w.r.fail()
	}
	if id := w.r.take(16); id != nil {
		w.ID = [16]byte(id)
	}
	w.Internal = w.r.byte() != 0
	w.left = w.r.count(18)
	w.Partitions, w.Gaps, w.open = w.left, w.gaps[w.topics], true
	return !w.r.bad
}

// Partition goes on to the next partition of the topic.
func (w *MetadataWalk) Partition() bool {
	if w.left == 0 || w.r.bad {
		return false
	}
	w.left--
	b := w.r.take(14)
	if b == nil {
		return false
	}
	w.Index = int32(binary.BigEndian.Uint32(b[2:]))
	w.Leader = int32(binary.BigEndian.Uint32(b[6:]))
	w.Epoch = int32(binary.BigEndian.Uint32(b[10:]))
	w.Brokers = w.r.numbers()
	w.Replicas = len(w.Brokers) / 4
	w.r.numbers() // in sync
	w.r.numbers() // offline
	w.r.tags()
	return !w.r.bad
}
