package wire

import (
	"encoding/binary"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// The versions of ListOffsets that are walked, and in which a List is written: those with compact strings. What is
// asked differs between them behind the list only.
const (
	listOldest = 6
	listNewest = 11
)

// List is of which partitions a broker is asked for offsets, as it is sent: it is written once, and sent in each round
// in which nothing of it has changed.
type List struct {
	timestamp int64
	topics    []byte // those before the last
	count     int
	name      string // the last
	parts     []byte
	last      int // how many partitions it has
}

// NewList begins a list that asks for the offsets of a timestamp.
func NewList(timestamp int64) *List { return &List{timestamp: timestamp} }

// Add adds a partition. Those of one topic follow each other.
func (l *List) Add(topic string, index int32) {
	if topic != l.name || l.last == 0 {
		l.close()
		l.name = topic
	}
	l.parts = binary.BigEndian.AppendUint32(l.parts, uint32(index))
	l.parts = append(l.parts, 0xff, 0xff, 0xff, 0xff) // whatever its leader's epoch
	l.parts = binary.BigEndian.AppendUint64(l.parts, uint64(l.timestamp))
	l.parts = append(l.parts, 0)
	l.last++
}

// close writes the last topic.
func (l *List) close() {
	if l.last == 0 {
		return
	}
	l.topics = binary.AppendUvarint(l.topics, uint64(len(l.name))+1)
	l.topics = append(l.topics, l.name...)
	l.topics = binary.AppendUvarint(l.topics, uint64(l.last)+1)
	l.topics = append(append(l.topics, l.parts...), 0)
	l.parts, l.last = l.parts[:0], 0
	l.count++
}

// Request asks for what is on the list by now. What is added later is not in it.
func (l *List) Request() *ListRequest {
	l.close()
	r := &ListRequest{topics: slices.Clip(l.topics), count: l.count}
	r.Default()
	return r
}

// ListRequest asks for the offsets of a List.
type ListRequest struct {
	kmsg.ListOffsetsRequest // without topics
	topics                  []byte
	count                   int
}

// MaxVersion is the newest version whose answer is walked.
func (*ListRequest) MaxVersion() int16 { return listNewest }

// ResponseKind returns an Ends.
func (r *ListRequest) ResponseKind() kmsg.Response {
	e := &Ends{}
	e.Version = r.Version
	return e
}

// AppendTo writes the request in its version.
func (r *ListRequest) AppendTo(dst []byte) []byte {
	if r.Version < listOldest {
		return r.Plain().AppendTo(dst)
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(r.ReplicaID))
	dst = append(dst, byte(r.IsolationLevel))
	dst = binary.AppendUvarint(dst, uint64(r.count)+1)
	dst = append(dst, r.topics...)
	if r.Version >= 10 {
		dst = binary.BigEndian.AppendUint32(dst, uint32(r.TimeoutMillis))
	}
	return append(dst, 0)
}

// Plain returns the request as the client library has it, of the same version.
func (r *ListRequest) Plain() *kmsg.ListOffsetsRequest {
	written := *r
	written.Version = listOldest
	out := kmsg.NewPtrListOffsetsRequest()
	out.Version = listOldest
	if err := out.ReadFrom(written.AppendTo(nil)); err != nil {
		panic(err) // it is what close has written
	}
	out.Version = r.Version
	return out
}

// Ends is an answer to a ListRequest. Topics stays empty: they are walked.
type Ends struct {
	kmsg.ListOffsetsResponse
	topics []byte
	count  int
}

// ReadFrom reads an answer of the version that was asked for, and keeps b.
func (e *Ends) ReadFrom(b []byte) error {
	if e.Version < listOldest {
		old := kmsg.ListOffsetsResponse{Version: e.Version}
		if err := old.ReadFrom(b); err != nil {
			return err
		}
		old.Version = listOldest
		b = old.AppendTo(nil)
	}
	r := reader{left: b}
	e.ThrottleMillis = r.int32()
	e.count = r.count(3)
	e.topics = r.left
	walk := e.Walk()
	for walk.Topic() {
		for walk.Partition() { // that the walk ends is all that is looked for
		}
	}
	r = walk.r
	r.tags()
	return r.done("ListOffsets")
}

// Walk begins a walk over the topics.
func (e *Ends) Walk() EndsWalk { return EndsWalk{r: reader{left: e.topics}, topics: e.count} }

// EndsWalk stands at a topic, and at one of its partitions.
type EndsWalk struct {
	r      reader
	topics int // that are left
	left   int // partitions that are left of the topic
	open   bool

	Name   []byte // of the topic; part of the answer
	Index  int32  // of the partition
	Code   int16
	Offset int64
}

// Topic goes on to the next topic.
func (w *EndsWalk) Topic() bool {
	if w.open {
		for w.Partition() { // whoever passes a topic passes its partitions
		}
		w.r.tags()
		w.open = false
	}
	if w.topics == 0 || w.r.bad {
		return false
	}
	w.topics--
	w.Name = w.r.words()
	w.left = w.r.count(27)
	w.open = true
	return !w.r.bad
}

// Partition goes on to the next partition of the topic.
func (w *EndsWalk) Partition() bool {
	if w.left == 0 {
		return false
	}
	w.left--
	b := w.r.take(26)
	if b == nil {
		return false
	}
	w.Index = int32(binary.BigEndian.Uint32(b))
	w.Code = int16(binary.BigEndian.Uint16(b[4:]))
	w.Offset = int64(binary.BigEndian.Uint64(b[14:]))
	w.r.tags()
	return !w.r.bad
}
