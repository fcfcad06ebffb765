// Package recordbatch reads the headers of Kafka's record batches (message format 2, KIP-98) as a Fetch brings them:
// who wrote a batch and how many records are in it.
//
// It refuses to look at a record: a batch's records stay the bytes that they are. It trusts nothing that it is given:
// lengths are bounded by what is there, and counts by what can be in it. Checksums are not looked at: whoever may write
// to a topic may make them too, and the broker has.
package recordbatch

import (
	"encoding/binary"
	"errors"
)

// The errors of Next. After ErrCut nothing follows; after ErrFormat and ErrImplausible reading can go on behind the
// batch, whose first offset and length are known; after ErrGarbage it can't.
var (
	// ErrCut: the rest is only the beginning of a batch. A Fetch ends wherever its limit is, so that is usual.
	ErrCut = errors.New("the batch is cut off")
	// ErrFormat: a message set of before Kafka 0.11, or a format of the future.
	ErrFormat = errors.New("not of message format 2")
	// ErrImplausible: the header contradicts itself, e.g. more records than offsets.
	ErrImplausible = errors.New("the header contradicts itself")
	// ErrGarbage: there is no batch.
	ErrGarbage = errors.New("not a record batch")
)

const (
	// headerLen is what a batch begins with, to the first record.
	headerLen = 61
	// frameLen is what a batch's length does not count: its first offset, and itself.
	frameLen = 12
	// formatAt is where each format has its number; formatEnd is what is there of any, at least.
	formatAt  = 16
	formatEnd = formatAt + 1
	// shortest is the least that a record takes where it is not compressed: seven fields of one byte.
	shortest = 7
)

// Bits of the attributes.
const (
	codecMask     = 0x7
	appendTime    = 1 << 3
	transactional = 1 << 4
	control       = 1 << 5
)

// Batch is the header of one batch. What of it may be a lie is checked against the rest of it, not against the log.
type Batch struct {
	BaseOffset  int64
	LastOffset  int64 // of the batch; records that compaction took leave it as it is
	LeaderEpoch int32
	ProducerID  int64 // -1: its writer is not idempotent
	Epoch       int16
	Sequence    int32 // of the first record; -1: none
	Records     int32 // markers count as records
	FirstMillis int64 // timestamps since 1970, of the first record and the latest; -1: none
	LastMillis  int64
	Bytes       int // all of it, as it is in the log
	// Control: its records are markers of transactions and no records.
	Control       bool
	Transactional bool
	// AppendTime: the broker gave all records LastMillis, when it wrote the batch (LogAppendTime); else their producer
	// gave each its own (CreateTime).
	AppendTime bool
	Codec      byte   // of Packed: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd
	Packed     []byte // the records, part of what Next was given; to look at them is somebody else's decision
}

// Next returns the first batch of what is left of a Fetch, and what follows it. With ErrFormat and ErrImplausible the
// batch has its first offset and its length alone.
func Next(b []byte) (batch Batch, rest []byte, err error) {
	if len(b) < frameLen {
		return batch, nil, ErrCut
	}
	length := int64(int32(binary.BigEndian.Uint32(b[8:])))
	batch.BaseOffset = int64(binary.BigEndian.Uint64(b))
	if length < formatEnd-frameLen || batch.BaseOffset < 0 {
		return batch, nil, ErrGarbage
	}
	if int64(len(b)) < frameLen+length {
		return batch, nil, ErrCut
	}
	b, rest = b[:frameLen+length], b[frameLen+length:]
	batch.Bytes = len(b)
	batch.LastOffset = batch.BaseOffset
	if b[formatAt] != 2 {
		return batch, rest, ErrFormat
	}
	if len(b) < headerLen {
		return batch, rest, ErrImplausible
	}
	full := batch
	attributes := binary.BigEndian.Uint16(b[21:])
	delta := int32(binary.BigEndian.Uint32(b[23:]))
	full.LeaderEpoch = int32(binary.BigEndian.Uint32(b[12:]))
	full.Codec = byte(attributes & codecMask)
	full.Transactional, full.Control = attributes&transactional != 0, attributes&control != 0
	full.AppendTime = attributes&appendTime != 0
	full.FirstMillis, full.LastMillis = int64(binary.BigEndian.Uint64(b[27:])), int64(binary.BigEndian.Uint64(b[35:]))
	full.ProducerID = int64(binary.BigEndian.Uint64(b[43:]))
	full.Epoch = int16(binary.BigEndian.Uint16(b[51:]))
	full.Sequence = int32(binary.BigEndian.Uint32(b[53:]))
	full.Records = int32(binary.BigEndian.Uint32(b[57:]))
	full.Packed = b[headerLen:]
	full.LastOffset = full.BaseOffset + int64(delta)
	switch {
	case delta < 0, full.LastOffset < full.BaseOffset, full.Records < 0, int64(full.Records) > int64(delta)+1, full.ProducerID < -1, full.Codec > 4:
		return batch, rest, ErrImplausible
	case full.Codec == 0 && int64(full.Records)*shortest > int64(len(full.Packed)):
		return batch, rest, ErrImplausible
	}
	return full, rest, nil
}

// Millis returns a record's timestamp, by what it says beside the batch's first (see Values); ok is false where it has
// none.
func (b *Batch) Millis(delta int64) (millis int64, ok bool) {
	if b.AppendTime {
		return b.LastMillis, b.LastMillis >= 0
	}
	millis = b.FirstMillis + delta
	return millis, b.FirstMillis >= 0 && millis >= 0
}

// Whole reports whether each offset of the batch still has its record: compaction takes records and leaves the offsets.
func (b *Batch) Whole() bool { return int64(b.Records) == b.LastOffset-b.BaseOffset+1 }
