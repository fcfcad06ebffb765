package mm2

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// errMalformed is the whole of what is said of bytes that are not a record of ours: the bytes themselves may be
// anyone's.
var errMalformed = errors.New("malformed")

// Heartbeat says that the replication between two clusters lived at a time, by the clock of its process.
type Heartbeat struct {
	Source, Target string // aliases
	At             time.Time
}

// Checkpoint is where a group of the source would stand on the target.
type Checkpoint struct {
	Group                string
	Topic                string // as it is called on the target
	Partition            int32
	Upstream, Downstream int64
}

// OffsetSync is a pair of offsets of one record: on the source, and in its copy.
type OffsetSync struct {
	Topic                string // as it is called on the source
	Partition            int32
	Upstream, Downstream int64
}

// DecodeHeartbeat decodes a record of the heartbeats topic. Key: source alias, target alias. Value: version (int16, 0),
// timestamp (int64, milliseconds).
func DecodeHeartbeat(key, value []byte) (Heartbeat, error) {
	k, v := reader{b: key}, reader{b: value}
	h := Heartbeat{Source: k.string(), Target: k.string()}
	v.version()
	h.At = time.UnixMilli(v.int64()).UTC()
	if h.Source == "" || h.Target == "" || k.done() != nil || v.done() != nil {
		return Heartbeat{}, fmt.Errorf("heartbeat: %w", errMalformed)
	}
	return h, nil
}

// DecodeCheckpoint decodes a record of a checkpoints topic. Key: group, topic, partition (int32). Value: version
// (int16, 0), upstream and downstream offset (int64), metadata, which is dropped.
func DecodeCheckpoint(key, value []byte) (Checkpoint, error) {
	k, v := reader{b: key}, reader{b: value}
	c := Checkpoint{Group: k.string(), Topic: k.string(), Partition: k.int32()}
	v.version()
	c.Upstream, c.Downstream = v.int64(), v.int64()
	v.string()
	if c.Topic == "" || c.Partition < 0 || k.done() != nil || v.done() != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: %w", errMalformed)
	}
	return c, nil
}

// DecodeOffsetSync decodes a record of an offset syncs topic. Key: topic, partition (int32). Value: upstream and
// downstream offset (int64). It has no version.
func DecodeOffsetSync(key, value []byte) (OffsetSync, error) {
	k, v := reader{b: key}, reader{b: value}
	s := OffsetSync{Topic: k.string(), Partition: k.int32()}
	s.Upstream, s.Downstream = v.int64(), v.int64()
	if s.Topic == "" || s.Partition < 0 || k.done() != nil || v.done() != nil {
		return OffsetSync{}, fmt.Errorf("offset sync: %w", errMalformed)
	}
	return s, nil
}

// reader reads the fields of Kafka's Struct serialization (org.apache.kafka.common.protocol.types): big-endian numbers,
// strings with an int16 length. After the first malformed field all are zero.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if r.bad || n < 0 || n > len(r.b) {
		r.bad = true
		return make([]byte, 8)
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) int16() int16 { return int16(binary.BigEndian.Uint16(r.take(2))) }
func (r *reader) int32() int32 { return int32(binary.BigEndian.Uint32(r.take(4))) }
func (r *reader) int64() int64 { return int64(binary.BigEndian.Uint64(r.take(8))) }

func (r *reader) string() string {
	b := r.take(int(r.int16()))
	if r.bad || !utf8.Valid(b) {
		r.bad = true
		return ""
	}
	return string(b)
}

// version accepts 0, the only one there is.
func (r *reader) version() { r.bad = r.int16() != 0 || r.bad }

// done is an error when a field was malformed or bytes are left.
func (r *reader) done() error {
	if r.bad || len(r.b) > 0 {
		return errMalformed
	}
	return nil
}
